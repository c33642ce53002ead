"""What publishing costs a training run: its speed with and without, one update by networks, and the latency.

Run it with `make bench-publishing`. Blocks of training in three conditions alternate in random order inside
one run: nothing published; published without a viewer; published while a viewer reads 60 times a second. The
viewer is another process, on another core where cores can be chosen, and stopped (SIGSTOP) between its
blocks. The first part of each block, in which what the one before left is still written, does not count.
Ratios are of neighbouring blocks; their medians have 95 % intervals by bootstrap. A training step with an
update, and those after it, are also compared with the steps just before, which tells what an update costs
with everything that it leaves behind, as in caches. Beside the time on the
clock stands the processor's time of the trainer with all its threads, which other programs disturb less, and
the share of it that is spent in publishing itself, which they hardly disturb.
"""

import argparse
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from stable_baselines3 import SAC
from stable_baselines3.common.callbacks import BaseCallback
from torch import nn

import valuescape
from valuescape.environment import machine
from valuescape.publishing.history import History
from valuescape.publishing.outlet import Outlet
from valuescape.publishing.publisher import Publisher

ROOT = Path(__file__).parents[2]
CONDITIONS = ("nothing", "published", "viewed")
NAME = f"bench-{os.getpid()}"

VIEWER = """
import sys, time
from valuescape.publishing.subscription import Subscription
from valuescape.sim.errors import UsageError
wait = float(sys.argv[2])
while True:
    try:
        subscription = Subscription(sys.argv[1])
        break
    except UsageError:
        time.sleep(0.01)
print("attached", flush=True)
while subscription.alive:
    update = subscription.newest()
    if update is not None and wait == 0:
        print((time.monotonic_ns() - update.sent_ns) / 1e6, flush=True)
    time.sleep(wait) if wait else None
"""


@contextmanager
def viewer(wait_s: float):
    """Run a viewer in another process; it is attached when its first line was read."""
    process = subprocess.Popen(
        [sys.executable, "-c", VIEWER, NAME, str(wait_s)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) > 1:
        os.sched_setaffinity(process.pid, {cores[-1]})
        os.sched_setaffinity(0, set(cores[:-1]))
    try:
        yield process
    finally:
        process.kill()
        process.communicate()
        os.sched_setaffinity(0, set(cores))


class Own:
    """The processor's time that publishing takes in this process: updates, and the history's thread."""

    spent_s = 0.0

    @classmethod
    def count(cls, owner: type, method: str) -> None:
        """Count the time of every call of a method from now on."""
        call = getattr(owner, method)

        def counted(*args: Any, **named: Any) -> Any:
            begun = time.thread_time()
            try:
                return call(*args, **named)
            finally:
                cls.spent_s += time.thread_time() - begun

        setattr(owner, method, counted)


class Blocks:
    """Notes the time of training steps, block by block, and switches the condition between blocks."""

    def __init__(self, watching: subprocess.Popen, parts: int, rounds: int) -> None:
        self.watching, self.parts, self.rounds = watching, parts, rounds
        self.rng = np.random.default_rng(0)
        self.order: list[int] = []
        self.taken: list[dict[str, tuple[float, ...]]] = []
        self.part, self.condition = 0, "published"
        self.begun = now()

    @property
    def over(self) -> bool:
        """Whether all rounds are complete."""
        return len(self.taken) > self.rounds

    def step(self) -> str:
        """Count one part of a block; return the condition of the next one."""
        if self.part == 1:
            self.begun = now()
        if self.part == self.parts:
            self.taken[-1][self.condition] = tuple(np.subtract(now(), self.begun))
            self.part = 0
        if self.part == 0:
            self._switch()
        self.part += 1
        return self.condition

    def _switch(self) -> None:
        if not self.order:
            self.order = list(self.rng.permutation(len(CONDITIONS)))
            self.taken.append({})
        self.condition = CONDITIONS[self.order.pop()]
        viewed = self.condition == "viewed"
        self.watching.send_signal(signal.SIGCONT if viewed else signal.SIGSTOP)

    def report(self, title: str) -> None:
        """Print the ratios."""
        complete = [each for each in self.taken if len(each) == len(CONDITIONS)][1:]
        print(f"\n{title}: {len(complete)} rounds; loss of speed (median, 95 % interval)")
        for more, less in (("published", "nothing"), ("viewed", "published"), ("viewed", "nothing")):
            said = []
            for index, clock in enumerate(("clock", "processor")):
                loss = [100 * (1 - each[less][index] / each[more][index]) for each in complete]
                low, middle, high = interval(np.array(loss))
                said.append(f"{clock} {middle:+.2f} % ({low:+.2f} to {high:+.2f})")
            print(f"  {more:9} against {less:9}: {', '.join(said)}")

        for condition in CONDITIONS[1:]:
            shares = [100 * each[condition][2] / each[condition][1] for each in complete]
            low, middle, high = interval(np.array(shares), np.mean)
            share = f"{middle:.2f} % ({low:.2f} to {high:.2f})"
            print(f"  {condition:9}: {share} of the trainer's processor time is spent in publishing itself")


def now() -> tuple[float, float, float]:
    """Return the clock, the processor's time of this process, and that of publishing in it."""
    return time.perf_counter(), time.process_time(), Own.spent_s


def interval(values: np.ndarray, middle: Callable[..., Any] = np.median) -> tuple[float, float, float]:
    """Return the median, or another middle, with its 95 % interval by bootstrap: low, middle, high."""
    rng = np.random.default_rng(1)
    low, high = np.percentile(middle(rng.choice(values, (4000, len(values))), axis=1), (2.5, 97.5))
    return float(low), float(middle(values)), float(high)


class Switched:
    """Stands for the publisher of a script: sends its updates in some blocks only, and ends it at the end."""

    def __init__(self, run: Publisher, blocks: Blocks) -> None:
        self.run, self.blocks = run, blocks
        self.condition = "published"

    def update(self, *networks: Any, **numbers: Any) -> None:
        """Called once in each iteration of the script's loop."""
        if self.condition != "nothing":
            self.run.update(*networks, **numbers)
        self.condition = self.blocks.step()
        if self.blocks.over:
            raise StopIteration

    def close(self) -> None:
        """Called by the script."""


def script(rounds: int) -> None:
    """Measure the example in CleanRL's style: PPO, a 64-64 actor and critic, one update in 2,048 steps."""
    spec = importlib.util.spec_from_file_location("script", ROOT / "examples" / "watch_cleanrl_style.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with (
        viewer(1 / 60) as watching,
        valuescape.publish(NAME, world="pendulum", quiet=True, history=history()) as run,
    ):
        assert watching.stdout.readline() == "attached\n"
        blocks = Blocks(watching, 3, rounds)
        module.valuescape = type("Module", (), {"publish": lambda *_, **__: Switched(run, blocks)})
        module.print = lambda *_, **__: None
        with suppress(StopIteration, RuntimeError):
            module.main(10**9, 1, NAME)
    blocks.report("PPO in CleanRL's style, 2,048 steps an update")


class SwitchedCallback(BaseCallback):
    """Switches a `ValuescapeCallback` on and off."""

    def __init__(self, publishing: Any, watching: subprocess.Popen, rounds: int, steps: int) -> None:
        super().__init__()
        self.publishing, self.blocks, self.steps = publishing, Blocks(watching, 5, rounds), steps
        self.run: Any = None

    def _on_step(self) -> bool:
        self.run = self.run or self.publishing.run
        if self.n_calls % self.steps == 0:
            condition = self.blocks.step()
            self.publishing.run = None if condition == "nothing" else self.run
        return not self.blocks.over


def stable_baselines(rounds: int) -> None:
    """Measure SAC of Stable-Baselines3 with twin critics of 64-64, one update offered in every step."""
    torch.manual_seed(0)
    model = SAC(
        "MlpPolicy", "Pendulum-v1", policy_kwargs={"net_arch": [64, 64]}, device="cpu", learning_starts=100
    )
    publishing = valuescape.ValuescapeCallback(NAME, quiet=True, history=history())
    with viewer(1 / 60) as watching:
        switched = SwitchedCallback(publishing, watching, rounds, 60)
        model.learn(10**9, callback=[publishing, switched])
        switched.run.close()
    switched.blocks.report("SAC of Stable-Baselines3, an update offered in every step")


class Steps(BaseCallback):
    """Notes the processor's time of the process after each step, and how many updates were sent by then."""

    def __init__(self, publishing: Any, seconds: float) -> None:
        super().__init__()
        self.publishing, self.seconds = publishing, seconds
        self.rows: list[tuple[float, int]] = []
        self.end_s = 0.0

    def _on_step(self) -> bool:
        self.end_s = self.end_s or time.monotonic() + self.seconds
        self.rows.append((time.process_time(), self.publishing.run.sent))
        return time.monotonic() < self.end_s


def neighbours(rounds: int) -> None:
    """Print what an update costs SAC, from the steps before and after it, while a viewer reads."""
    model = SAC(
        "MlpPolicy", "Pendulum-v1", policy_kwargs={"net_arch": [64, 64]}, device="cpu", learning_starts=100
    )
    publishing = valuescape.ValuescapeCallback(NAME, quiet=True, history=history())
    with viewer(1 / 60):
        noted = Steps(publishing, 4.0 * rounds)
        model.learn(10**9, callback=[publishing, noted])
    took, sent = np.diff(np.array(noted.rows[200:]), axis=0).T
    updates = np.flatnonzero(sent)
    updates = updates[(updates >= _BEFORE) & (updates < len(took) - _AFTER)]
    updates = updates[np.diff(updates, prepend=-_BEFORE - _AFTER) >= _AFTER]
    after = np.array([took[at : at + _AFTER] - took[at - _BEFORE : at].mean() for at in updates])
    each_s = took.sum() / sent.sum()
    low, middle, high = interval(100 * after.sum(axis=1) / each_s)
    first = 1e3 * np.median(after[:, 0])
    print(f"\nSAC, {len(updates)} updates, one in {1e3 * each_s:.0f} ms of the processor's time:")
    print(f"  its step takes {first:.2f} ms longer than those before; with the {_AFTER - 1} steps after it,")
    print(f"  that is {middle:.2f} % ({low:.2f} to {high:.2f}) of the time")


_BEFORE, _AFTER = 6, 6
"""Steps before an update, and those from it on, that are compared."""


def history() -> Path:
    """Return a folder for the history of a measured run."""
    return ROOT / "runs" / NAME


def perceptron(inputs: int, width: int, outputs: int) -> nn.Sequential:
    """Return a perceptron of two hidden layers."""
    return nn.Sequential(
        nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, outputs)
    )


def updates() -> None:
    """Print what one update takes by the size of networks, one after the other and after a pause."""
    print("\none update, in microseconds: median of 500 in turn; of 50, each after a pause of 20 ms")
    for title, width, critics in (("64-64, V", 64, 1), ("64-64, twins", 64, 2), ("256-256, twins", 256, 2)):
        actor, taken = perceptron(3, width, 1), 4 if critics == 2 else 3
        given = [perceptron(taken, width, 1) for _ in range(critics)]
        stated = {"head": "squashed", "critic_actions": "scaled"} if critics == 2 else {}
        with valuescape.publish(NAME, world="pendulum", quiet=True, history=None, **stated) as run:
            begun = time.perf_counter()
            run.update(actor, given, 0)
            first = time.perf_counter() - begun
            in_turn = timed(lambda r=run, a=actor, g=given: sent(r, a, g), 500, 0.0)
            rested = timed(lambda r=run, a=actor, g=given: sent(r, a, g), 50, 0.02)
            run._outlet._due = np.inf
            left_out = timed(lambda r=run, a=actor, g=given: r.update(a, g, 1), 2000, 0.0)
            run._outlet._due = 0.0
        print(
            f"  {title:15} {in_turn:6.0f} {rested:6.0f}; too soon, so not sent {left_out:.1f}; "
            f"the first {1e3 * first:.0f} ms"
        )


def sent(run: Publisher, actor: Any, critics: Any) -> None:
    """Update, though it is too soon."""
    run._outlet._due = 0.0
    run.update(actor, critics, 1)


def timed(call: Callable[[], None], times: int, pause_s: float) -> float:
    """Return the median microseconds of a call."""
    took = []
    for _ in range(times):
        time.sleep(pause_s)
        begun = time.perf_counter()
        call()
        took.append(time.perf_counter() - begun)
    return 1e6 * float(np.median(took))


def latency() -> None:
    """Print the time from `update` to the viewer's `newest`, for a viewer that looks all the time."""
    actor, critics = perceptron(3, 64, 1), [perceptron(4, 64, 1) for _ in range(2)]
    stated = {"head": "squashed", "critic_actions": "scaled"}
    with (
        valuescape.publish(NAME, world="pendulum", quiet=True, history=None, **stated) as run,
        viewer(0.0) as watching,
    ):
        assert watching.stdout.readline() == "attached\n"
        took = []
        for _ in range(200):
            sent(run, actor, critics)
            took.append(float(watching.stdout.readline()))
            time.sleep(0.01)
    low, high = np.percentile(took, (50, 95))
    print(f"\nfrom update to the viewer's networks, 64-64 twins: {low:.2f} ms, P95 {high:.2f} ms")


def main() -> None:
    """Measure all, or what is named."""
    parts = {
        "script": script,
        "sb3": stable_baselines,
        "steps": neighbours,
        "updates": updates,
        "latency": latency,
    }
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("parts", nargs="*", choices=[*parts, []], default=[])
    parser.add_argument("--rounds", type=int, default=30)
    arguments = parser.parse_args()
    print(f"{machine()['cores']} cores of {machine()['processor']}; load {os.getloadavg()[0]:.1f}")
    torch.set_num_threads(1)
    for owner, method in ((Outlet, "_try"), (History, "_write")):
        Own.count(owner, method)
    try:
        for name in arguments.parts or parts:
            parts[name](*([arguments.rounds] if name in ("script", "sb3", "steps") else []))
    finally:
        shutil.rmtree(history(), ignore_errors=True)


if __name__ == "__main__":
    main()
