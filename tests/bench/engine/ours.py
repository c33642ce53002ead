"""Measures valuescape: given actions tick by tick, free running, with a policy; and its memory."""

import time
from contextlib import contextmanager
from itertools import pairwise

import numpy as np
from measuring import answer, arguments, calls_per_s, choices_per_s

import valuescape
from valuescape.sim.config.files import load_config
from valuescape.sim.engine import Engine
from valuescape.sim.policy.network import Activation, ActorHead, Checkpoint, CriticKind, Layer, Mlp


def config(world, agents, workers, trails=2, precision="float32", tabulated=0):
    """Return a configuration that is not paced."""
    keys = {
        "world.name": world,
        "agents.count": agents,
        "workers.count": workers,
        "sim.ticks_per_s": 0,
        "trails.length": trails,
        "policy.precision": precision,
        "policy.tabulated": tabulated,
    }
    return load_config(None, [f"{key}={value}" for key, value in keys.items()])


def random_network(activation=Activation.TANH, sizes=(2, 64, 64, 1)):
    """Return an actor with random weights."""
    rng = np.random.default_rng(0)
    layers = tuple(
        Layer(
            (rng.standard_normal((units, inputs)) / np.sqrt(inputs)).astype(np.float32),
            rng.standard_normal(units).astype(np.float32),
            activation,
        )
        for inputs, units in pairwise(sizes)
    )
    return Checkpoint(
        algorithm="sac",
        world="",
        obs_dim=sizes[0],
        actor=Mlp(layers),
        actor_head=ActorHead.SQUASHED,
        critics=(Mlp(layers),),
        critic_kind=CriticKind.STATE_VALUE,
        action_low=np.array([-1], np.float32),
        action_high=np.array([1], np.float32),
        obs_normalization=None,
        gamma=0.99,
    )


@contextmanager
def running(settings, checkpoint=None, **options):
    """Open an engine and wait until it has made tick 0."""
    with Engine(settings, checkpoint, **options) as engine:
        engine.wait_ready()
        yield engine


def ticks_per_s(engine, seconds):
    """Return the ticks a second of an engine: free running with workers, in this process without."""
    if not engine.workers:
        return 10 * calls_per_s(lambda: engine.advance_to(engine.newest_tick + 10), seconds)
    engine.run_freely()
    time.sleep(0.2)
    began, first = time.perf_counter(), engine.newest_tick
    time.sleep(seconds)
    return (engine.newest_tick - first) / (time.perf_counter() - began)


def measure_free(args, checkpoint=None):
    options = {name: args[name] for name in ("precision", "tabulated") if name in args}
    settings = config(args["world"], args["agents"], args["workers"], **options)
    with running(settings, checkpoint) as engine:
        pace = ticks_per_s(engine, args["seconds"])
        answer(pace * args["agents"], ticks_per_s=pace, workers=engine.workers)


def measure_policy(args):
    measure_free(args, random_network())


def measure_relu_policy(args):
    measure_free(args, random_network(Activation.RELU))


def measure_linear_policy(args):
    measure_free(args, random_network(Activation.IDENTITY))


def measure_given(args):
    """Step with constant actions, as the peers do, through the vector environment."""
    vec = valuescape.make_vec(args["world"], args["agents"], args["workers"], copy=False)
    try:
        vec.reset()
        actions = vec.action_buffer
        actions[:] = np.random.default_rng(0).uniform(-1, 1, actions.shape)
        pace = calls_per_s(lambda: vec.step(actions), args["seconds"])
    finally:
        vec.close()
    answer(pace * args["agents"], ticks_per_s=pace)


def measure_choices(args):
    """Step with random choices, as `CartPoleVectorEnv` is measured in peers.py."""
    vec = valuescape.make_vec(args["world"], args["agents"], args["workers"], copy=args["copy"])
    try:
        answer(choices_per_s(vec, args["agents"], args["seconds"]))
    finally:
        vec.close()


def measure_ticks(args):
    """Time lockstep ticks of a small crowd, and the start, in which `auto` chooses the number of workers."""
    began = time.perf_counter()
    with running(config(args["world"], args["agents"], args["workers"])) as engine:
        ready = time.perf_counter() - began
        pace = calls_per_s(lambda: engine.advance_to(engine.newest_tick + 1), args["seconds"])
        answer(pace, workers=engine.workers, ready_s=round(ready, 3))


def measure_memory(args):
    settings = config("mountain_car_continuous", args["agents"], args["workers"], args["trails"])
    with running(settings, given_actions=args["given"]) as engine:
        engine.advance_to(200)
        answer(
            engine.arena.layout.nbytes / args["agents"],
            arena_mb=engine.arena.layout.nbytes / 1e6,
            all_processes_mb=engine.memory_bytes() / 1e6,
        )


if __name__ == "__main__":
    asked = arguments()
    globals()[f"measure_{asked['kind']}"](asked)
