"""Steps one of the vector environments, and reports on its standard output; see deaths.py."""

import json
import sys
import time
import warnings
from typing import Any

import numpy as np

REPORT_S = 0.2
KIND, WORKERS = sys.argv[1], int(sys.argv[2])
ENV = "MountainCarContinuous-v0"


def say(**message: Any) -> None:
    print("\n" + json.dumps(message), flush=True)


class Gymnasium:
    """One worker for each environment, started by the library's default method."""

    def __init__(self) -> None:
        import gymnasium

        self.envs = gymnasium.vector.AsyncVectorEnv([lambda: gymnasium.make(ENV)] * WORKERS)
        self.envs.reset(seed=0)
        self.actions = np.zeros((WORKERS, 1), np.float32)

    def pids(self) -> list[int]:
        return [process.pid for process in self.envs.processes]

    def step(self) -> None:
        self.envs.step(self.actions)

    def close(self) -> None:
        self.envs.close()

    def status(self) -> dict[str, Any]:
        return {}


class Sb3(Gymnasium):
    def __init__(self) -> None:
        import gymnasium
        from stable_baselines3.common.vec_env import SubprocVecEnv

        self.envs = SubprocVecEnv([lambda: gymnasium.make(ENV)] * WORKERS, start_method="fork")
        self.envs.reset()
        self.actions = np.zeros((WORKERS, 1), np.float32)


class Valuescape(Gymnasium):
    """1,024 environments, so that every worker has some."""

    def __init__(self) -> None:
        import valuescape

        self.envs = valuescape.make_vec(ENV, 1024, WORKERS, copy=False)
        self.envs.reset(seed=0)
        self.actions = self.envs.action_buffer

    def pids(self) -> list[int]:
        return self.envs.engine.worker_pids

    def status(self) -> dict[str, Any]:
        return {"restarts": self.envs.engine.restarts, "pids": self.pids()}


def step_on(subject: Any) -> None:
    """Step until an error; report the number of steps and the longest one every REPORT_S."""
    while True:
        end, steps, longest = time.monotonic() + REPORT_S, 0, 0.0
        while (began := time.monotonic()) < end:
            subject.step()
            longest = max(longest, time.monotonic() - began)
            steps += 1
        say(steps=steps, longest_ms=1e3 * longest, **subject.status())


def close(subject: Any) -> None:
    began, error = time.monotonic(), ""
    try:
        subject.close()
    except BaseException as raised:
        error = f"{type(raised).__name__}: {raised}"
    say(closed_s=time.monotonic() - began, close_error=error)


def main() -> None:
    warnings.filterwarnings("ignore")
    subject = {"gymnasium": Gymnasium, "sb3": Sb3, "valuescape": Valuescape}[KIND]()
    say(pids=subject.pids())
    for order in sys.stdin:
        if order.strip() == "close":
            close(subject)
            continue
        try:
            step_on(subject)
        except BaseException as raised:
            say(error=f"{type(raised).__name__}: {raised}", at=time.monotonic())


if __name__ == "__main__":
    main()
