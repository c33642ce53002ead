"""Times the way from a published update to its picture, and what a trainer loses while it is watched.

The viewer is stopped in every second block of the time. Beside the trainer's steps a second of the clock,
which other programs disturb, stand those a second of its processor's time, which the viewer slows by sharing
caches.

Run it by hand: .venv/bin/python tests/bench/attach.py [SECONDS [ROUNDS [PRIORITY …]]]
"""

import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from valuescape.publishing.place import path_of
from valuescape.publishing.segment import remove_if_dead

NAME, WORLD = "bench-attach", "pendulum"
UPDATES_PER_S = 4.0
WIDTH, BATCH = 64, 256
LINE_S, BLOCK_S, START_S = 0.25, 2.5, 20.0
"""Seconds of a line of the trainer's, of a block, and until the viewer is at work."""


def train() -> None:
    """Make steps of gradient descent on one core, and publish networks, until killed; print steps a second.

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
            if now - second >= LINE_S:
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
            remove_if_dead(path_of(NAME))


def command(priority: str, seconds: float, out: str) -> list[str]:
    """Return the command of a viewer."""
    length = ["--headless", "--out", out, "--seconds", str(seconds), "--set", "run.record=false"]
    return [sys.executable, "-m", "valuescape", "attach", NAME, *length, "--priority", priority]


def latency(priority: str, seconds: float) -> tuple[float, float]:
    """Return P50 and P95 of the time from an update to its picture, ms."""
    with tempfile.TemporaryDirectory() as out:
        subprocess.run(command(priority, seconds, out), check=True, capture_output=True)
        told = json.loads((Path(out) / "run.json").read_text())["training"]
    return told["update_to_picture_ms_p50"], told["update_to_picture_ms_p95"]


def losses(log: Path, priority: str, rounds: int) -> np.ndarray:
    """Return what the trainer loses while it is watched, %, [rounds, 2]: by the clock, by its processor.

    The viewer with all its processes is stopped in every second block.
    """
    with tempfile.TemporaryDirectory() as out:
        viewer = subprocess.Popen(
            command(priority, 3600, out), start_new_session=True, stderr=subprocess.DEVNULL
        )
        try:
            time.sleep(START_S)
            blocks = [block(log, viewer.pid, watched=bool(index % 2)) for index in range(2 * rounds + 1)]
        finally:
            os.killpg(viewer.pid, signal.SIGKILL)
            viewer.wait()
    off = [(before + after) / 2 for before, after in zip(blocks[::2], blocks[2::2], strict=False)]
    return 100 * (1 - np.array(blocks[1::2]) / np.array(off))


def block(log: Path, viewer: int, *, watched: bool) -> np.ndarray:
    """Return the trainer's steps a second in a block: of the clock, and of its processor's time."""
    os.killpg(viewer, signal.SIGCONT if watched else signal.SIGSTOP)
    begin = time.monotonic() + 0.5
    time.sleep(BLOCK_S)
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.endswith("]")]
    return np.mean([both for at, *both in lines if at > begin + LINE_S], axis=0)


def interval(values: np.ndarray) -> tuple[float, float]:
    """Return the 95 % interval of the median, by bootstrap."""
    rng = np.random.default_rng(0)
    medians = np.median(rng.choice(values, (10_000, len(values))), axis=1)
    return float(np.percentile(medians, 2.5)), float(np.percentile(medians, 97.5))


BUSY = """
import contextlib, os, sys, time
from valuescape.attached.priority import Priority, modest_session, take_priority
os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
take_priority(Priority(sys.argv[1]))
with modest_session(Priority(sys.argv[1]), None) if sys.argv[2] == "modest" else contextlib.nullcontext():
    begun, end = time.process_time(), time.monotonic() + 5
    while time.monotonic() < end:
        pass
    print(time.process_time() - begun)
"""
"""Keeps a core busy for 5 s, and prints how much of it it had."""


def busy(*arguments: str) -> "subprocess.Popen[str]":
    """Begin to keep a core busy, in a session of its own."""
    command = [sys.executable, "-c", BUSY, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)


def sessions() -> None:
    """Print what an idle program takes of a core from one of another session, as priorities alone have it."""
    for share in ("alone", "modest"):
        both = busy("normal", "alone"), busy("idle", share)
        trainer, viewer = (float(each.communicate()[0]) for each in both)
        taken = 100 * viewer / (trainer + viewer)
        print(f"an idle program of another session, {share}: {taken:.0f} % of what both have of a core")


def main(seconds: float, rounds: int, *priorities: str) -> None:
    """Print the figures of each priority."""
    sessions()
    with tempfile.TemporaryDirectory() as folder, trainer(log := Path(folder) / "steps"):
        for priority in priorities:
            p50, p95 = latency(priority, seconds)
            print(f"--priority {priority}: update to picture P50 {p50:.0f} ms, P95 {p95:.0f} ms", flush=True)
            lost = losses(log, priority, rounds)
            for values, whose in zip(lost.T, ("of the clock", "of its processor's time"), strict=True):
                low, high = interval(values)
                print(f"  the trainer loses {np.median(values):.2f} % of its steps a second {whose}", end=" ")
                print(f"(95 %: {low:.2f} to {high:.2f})", flush=True)


if __name__ == "__main__":
    if sys.argv[1:] == ["--trainer"]:
        train()
    else:
        given = sys.argv[1:]
        main(
            *(float(given[0]) if given else 20.0, int(given[1]) if given[1:] else 20),
            *(given[2:] or ("idle", "normal")),
        )
