"""Workers end with the main process, however that ends."""

import os
import signal
import subprocess
import sys
import time

import pytest
from processes import descendants, running, wait_for_end, wait_until

pytestmark = pytest.mark.chaos


RUN = """
import sys, time
from valuescape.sim.config.files import load_config
from valuescape.sim.engine import Engine

if __name__ == "__main__":
    config = load_config(None, ["agents.count=70", "workers.count=1", *sys.argv[1:]])
    engine = Engine(config, None)
    print(*engine.worker_pids, flush=True)
    engine.wait_ready()
    engine.run_freely()
    print("runs", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def other_run(tmp_path):
    """Return a function that starts a run in another process, from a file as people do.

    It returns the process and its workers' ids.
    """
    script = tmp_path / "run.py"
    script.write_text(RUN)
    runs = []

    def start(*changes):
        command = [sys.executable, str(script), *changes]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        runs.append(process)
        return process, [int(pid) for pid in process.stdout.readline().split()]

    yield start
    for process in runs:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("rate", "simd", "start_method", "count"),
    [(0, "true", "spawn", 1), (0, "false", "forkserver", 2), (2, "true", "forkserver", 2)],
)
def test_workers_end_when_the_main_process_is_killed(other_run, rate, simd, start_method, count):
    process, workers = other_run(
        *(f"sim.ticks_per_s={rate}", f"features.simd={simd}"),
        *(f"workers.start_method={start_method}", f"workers.count={count}"),
    )
    assert len(workers) == count
    assert process.stdout.readline() == "runs\n"
    assert all(map(running, workers))
    process.kill()
    wait_for_end([process.pid, *workers], 2.0)


def test_workers_end_when_the_main_process_is_killed_as_they_start(other_run):
    process, workers = other_run()
    process.kill()
    wait_for_end([process.pid, *workers], 3.0)


def test_workers_end_with_a_main_process_that_forgot_to_close(other_run):
    process, workers = other_run("sim.ticks_per_s=2")
    assert process.stdout.readline() == "runs\n"
    process.send_signal(signal.SIGINT)
    wait_for_end([process.pid, *workers], 5.0)


@pytest.mark.parametrize(("number", "group"), [(signal.SIGINT, True), (signal.SIGTERM, False)])
def test_a_headless_run_ends_within_two_seconds(tmp_path, number, group):
    """Ctrl-C reaches all processes of a terminal, SIGTERM the main process alone."""
    small_picture = ("render.width=320", "render.height=180", "workers.count=1", "agents.count=70")
    changes = [part for change in small_picture for part in ("--set", change)]
    command = [sys.executable, "-m", "valuescape", "run", "--headless", "--seconds", "600"]
    process = subprocess.Popen(
        [*command, "--out", str(tmp_path), *changes],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        wait_until(lambda: len(descendants(process.pid)) >= 2, 30, "the worker and its tracker are there")
        time.sleep(1.5)  # frames are being made
        everything = {process.pid, *descendants(process.pid)}
        began = time.monotonic()
        (os.killpg if group else os.kill)(process.pid, number)
        _, errors = process.communicate(timeout=20)
        wait_for_end(everything, 2.0)
        assert time.monotonic() - began < 2
        assert process.returncode == 130
        assert "Traceback" not in errors
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
