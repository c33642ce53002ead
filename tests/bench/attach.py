"""Times the way from a published update to its picture, and what a trainer loses while it is watched.

Parts without a viewer and with one alternate. Beside the trainer's steps a second of the clock, which other
programs disturb, stand those a second of its processor's time, which the viewer slows by sharing caches.

Run it by hand: .venv/bin/python tests/bench/attach.py [SECONDS [ROUNDS [PRIORITY …]]]
"""

import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

NAME, WORLD = "bench-attach", "pendulum"
UPDATES_PER_S = 4.0
WIDTH, BATCH = 64, 256


def train() -> None:
    """Make steps of gradient descent on one core, and publish networks, until killed; print steps by second.

    The networks are those that come with the world: an actor and a critic of 2 x (64-64), which change.
    """
    from threadpoolctl import threadpool_limits

    from valuescape.presets import find_checkpoint
    from valuescape.publishing.publisher import publish
    from valuescape.sim.worlds import make_world

    checkpoint = find_checkpoint("auto", make_world(WORLD))
    rng = np.random.default_rng(0)
    weights = [rng.standard_normal(shape).astype(np.float32) for shape in ((WIDTH, 4), (WIDTH, WIDTH))]
    batch = rng.standard_normal((4, BATCH)).astype(np.float32)
    with threadpool_limits(1), publish(NAME, world=WORLD, history=None, quiet=True) as run:
        steps, second, cpu, last, published = 0, time.monotonic(), time.process_time(), 0, -math.inf
        while True:
            step(weights, batch)
            steps += 1
            now = time.monotonic()
            if now - published > 1 / UPDATES_PER_S:
                run.update_from(moved(checkpoint, rng), steps)
                published = now
            if now - second >= 1:
                made, spent = steps - last, time.process_time() - cpu
                print(json.dumps([now, made / (now - second), made / spent]), flush=True)
                second, cpu, last = now, cpu + spent, steps


def step(weights: list[np.ndarray], batch: np.ndarray) -> None:
    """Do the arithmetic of a small step of training."""
    hidden = np.tanh(weights[0] @ batch)
    out = np.tanh(weights[1] @ hidden)
    slope = (1 - out * out) * out
    weights[1] -= np.float32(1e-6) * (slope @ hidden.T)
    weights[0] -= np.float32(1e-6) * ((weights[1].T @ slope * (1 - hidden * hidden)) @ batch.T)


def moved(checkpoint, rng: np.random.Generator):
    """Return the checkpoint with other critics."""
    noise = np.float32(1 + 0.1 * rng.standard_normal())
    critics = []
    for critic in checkpoint.critics:
        last = critic.layers[-1]
        critics.append(
            replace(critic, layers=(*critic.layers[:-1], replace(last, weight=last.weight * noise)))
        )
    return replace(checkpoint, critics=tuple(critics))


@contextmanager
def trainer(log: Path) -> Iterator[None]:
    """Have a trainer run in another process."""
    with log.open("w") as file:
        process = subprocess.Popen([sys.executable, __file__, "--trainer"], stdout=file)
        try:
            time.sleep(4)
            yield
        finally:
            process.terminate()
            process.wait()


def watch(seconds: float, priority: str) -> tuple[float, float, dict]:
    """Watch the trainer for a while; return when the viewer was at work, and its report of the training."""
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", "valuescape", "attach", NAME, "--headless", "--out", out]
        command += ["--seconds", str(seconds), "--set", "run.record=false", "--priority", priority]
        subprocess.run(command, check=True, capture_output=True)
        end = time.monotonic()
        report = json.loads((Path(out) / "run.json").read_text())
    return end - seconds, end - 1, report


def rates(log: Path, begin: float, end: float) -> np.ndarray:
    """Return the trainer's mean steps a second in a part of the time: of the clock, and of its processor."""
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.endswith("]")]
    return np.mean([both for at, *both in lines if begin + 1 < at < end], axis=0)


def main(seconds: float, rounds: int, *priorities: str) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder, trainer(log := Path(folder) / "steps"):
        for priority in priorities:
            took, losses = [], []
            for _ in range(rounds):
                began = time.monotonic()
                time.sleep(seconds)
                off = rates(log, began, time.monotonic())
                begin, end, report = watch(seconds, priority)
                on = rates(log, begin, end)
                told = report["training"]
                took.append((told["update_to_picture_ms_p50"], told["update_to_picture_ms_p95"]))
                losses.append(100 * (1 - on / off))
            p50, p95 = (statistics.median(column) for column in zip(*took, strict=True))
            half = 1.96 * np.std(losses, axis=0, ddof=1) / math.sqrt(rounds) if rounds > 1 else [math.nan] * 2
            clock, cpu = (
                f"{lost:.1f} ± {each:.1f} %" for lost, each in zip(np.mean(losses, axis=0), half, strict=True)
            )
            print(f"--priority {priority}: update to picture P50 {p50:.0f} ms, P95 {p95:.0f} ms;", end=" ")
            print(f"the trainer loses {clock} of its steps a second, {cpu} a second of its processor's")


if __name__ == "__main__":
    if sys.argv[1:] == ["--trainer"]:
        train()
    else:
        given = sys.argv[1:]
        main(
            *(float(given[0]) if given else 20.0, int(given[1]) if given[1:] else 5),
            *(given[2:] or ("idle", "normal")),
        )
