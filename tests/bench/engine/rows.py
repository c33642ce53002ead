"""Rows of the engine suite, each with its command and goal."""

from typing import Any

from runner import Row

WORLDS = {"mountain_car_continuous": "MountainCarContinuous-v0", "pendulum": "Pendulum-v1"}
CROWDS = (1_000, 10_000, 100_000)
TARGETS = {"mountain_car_continuous": (50, 300, 500), "pendulum": (40, 250, 400)}
"""Goals: times as fast as envpool, for each of CROWDS."""

SWEEP_AGENTS = (100, 1_000, 10_000, 100_000, 1_000_000)
SWEEP_WORKERS = (0, 1, 2, 4)


CARTPOLES = (1_024, 10_000, 100_000)
POLICY_GOAL, OPTIONS_GOAL = 0.85, 50
"""Goals of a policy: share of the rate of its products alone; with options, M agent-steps a second."""

TABLE_CELLS = 256

CARTPOLE_GOAL = 3
"""Goal: times as fast as Gymnasium's own NumPy environment, with no workers, as it has none."""


def all_rows() -> list[Row]:
    """Return every row, in the order of the table."""
    return [
        *_stepping(),
        *_cartpole(),
        *_policy(),
        *_flock(),
        *_meeting(),
        *_small_crowd(),
        *_sweep(),
        *_memory(),
    ]


def _stepping() -> list[Row]:
    rows = []
    for world, gym_id in WORLDS.items():
        for agents in CROWDS:
            ours = {"world": world, "workers": 2}
            rows += [
                _row(world, agents, "valuescape, given actions", "engine/ours.py", kind="given", **ours),
                _row(world, agents, "valuescape, free-running", "engine/ours.py", kind="free", **ours),
                _row(world, agents, "bare kernel, 2 threads", "engine/bare.py", world=world),
                _row(world, agents, "envpool", "engine/peers.py", kind="envpool", env=gym_id),
            ]
        rows += [
            _row(world, agents, kind, "engine/peers.py", kind=kind, env=gym_id)
            for kind, agents in (("SyncVectorEnv", 1_000), ("DummyVecEnv", 1_000))
        ]
        rows += [
            _row(world, 100, kind, "engine/peers.py", kind=kind, env=gym_id)
            for kind in ("AsyncVectorEnv", "SubprocVecEnv")
        ]
    return rows


def _cartpole() -> list[Row]:
    """Both through Gymnasium's interface and in one Python: random actions, episodes that end."""
    rows = []
    for agents in CARTPOLES:
        for workers in (0, 2):
            for copy in (True, False):
                subject = f"valuescape, {workers} workers" + ("" if copy else ", copy=False")
                args = {"kind": "choices", "world": "cartpole", "workers": workers, "copy": copy}
                rows.append(_row("cartpole", agents, subject, "engine/ours.py", **args))
        theirs = Row(
            f"cartpole/{agents}/CartPoleVectorEnv",
            "cartpole",
            "CartPoleVectorEnv",
            "engine/peers.py",
            {"kind": "CartPoleVectorEnv", "agents": agents},
            agents=agents,
        )
        rows.append(theirs)
    return rows


def _policy() -> list[Row]:
    rows = []
    for agents in (10_000, 100_000):
        ours = {"world": "mountain_car_continuous", "workers": 2}
        rows += [
            _row("tanh 64-64 policy", agents, "valuescape", "engine/ours.py", kind="policy", **ours),
            _row("tanh 64-64 policy", agents, "ReLU", "engine/ours.py", kind="relu_policy", **ours),
            _row(
                "tanh 64-64 policy",
                agents,
                "bfloat16",
                "engine/ours.py",
                kind="policy",
                precision="bfloat16",
                **ours,
            ),
            _row(
                "tanh 64-64 policy",
                agents,
                "tabulated",
                "engine/ours.py",
                kind="policy",
                tabulated=TABLE_CELLS,
                **ours,
            ),
            _row(
                "tanh 64-64 policy",
                agents,
                "without its tanh",
                "engine/ours.py",
                kind="linear_policy",
                **ours,
            ),
            _row("tanh 64-64 policy", agents, "torch, 1 thread", "engine/peers.py", kind="torch"),
        ]
    rows.append(_row("tanh 64-64 policy", 0, "multiply-adds alone", "engine/products.py"))
    return rows


def _flock() -> list[Row]:
    rows = []
    for agents in (1_000, 100_000):
        ours = {"world": "flock", "workers": 2}
        rows += [
            _row("flock", agents, "valuescape", "engine/ours.py", kind="free", **ours),
            _row("flock", agents, "mesa", "engine/mesa_flock.py", repeats=3 if agents < 10_000 else 1),
        ]
    return rows


def _meeting() -> list[Row]:
    us = [
        Row(f"hand-over/{kind}", "hand-over", subject, "engine/hand_over.py", {"kind": kind}, unit="us/tick")
        for kind, subject in (("engine", "valuescape, lockstep"), ("barrier", "multiprocessing.Barrier"))
    ]
    idle = Row(
        "idle/engine",
        "idle",
        "valuescape, waiting",
        "engine/hand_over.py",
        {"kind": "idle"},
        unit="% of a core",
    )
    return [*us, idle]


def _small_crowd() -> list[Row]:
    world = {"world": "mountain_car_continuous", "agents": 200}
    return [
        Row(
            f"200 agents/{workers}",
            "200 agents",
            f"workers = {workers}",
            "engine/ours.py",
            {"kind": "ticks", "workers": workers, **world},
            unit="ticks/s",
            agents=200,
        )
        for workers in (0, 1, 2, "auto")
    ]


def _sweep() -> list[Row]:
    return [
        Row(
            f"sweep/{agents}/{workers}",
            "sweep",
            f"workers = {workers}",
            "engine/ours.py",
            {"kind": "given", "world": "mountain_car_continuous", "agents": agents, "workers": workers},
            agents=agents,
            repeats=1,
        )
        for agents in SWEEP_AGENTS
        for workers in SWEEP_WORKERS
    ]


def _memory() -> list[Row]:
    return [
        Row(
            f"memory/{kind}",
            "memory",
            what,
            "engine/ours.py",
            {"kind": "memory", "trails": trails, "given": kind == "given", "agents": 100_000, "workers": 2},
            unit="bytes/agent",
            agents=100_000,
            repeats=1,
        )
        for kind, what, trails in (("given", "actions given", 2), ("trails", "free, 64-point trails", 64))
    ]


def _row(group: str, agents: int, subject: str, script: str, repeats: int = 99, **args: Any) -> Row:
    python = "peers" if script in ("engine/peers.py", "engine/mesa_flock.py") else "ours"
    name = f"{group}/{agents}/{subject}"
    args = {"agents": agents, **args}
    return Row(name, group, subject, script, args, python, agents=agents, repeats=repeats)
