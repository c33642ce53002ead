"""`valuescape attach` as people use it, with real trainers that end, die and come back."""

import contextlib
import json
import os
import signal
import time

import pytest
from commands import Running, valuescape
from processes import descendants, wait_for_end, wait_until
from trainers import trainer, wait_for_name
from training_runs import save

NAME = f"attach-{os.getpid()}"

TRAINS = """
with publish(sys.argv[1], world="Pendulum-v1", history=None, quiet=True) as run:
    for step in range(10 ** 6):
        run.update_from(pendulum_checkpoint(step % 7), int(sys.argv[2]) + step)
        time.sleep(0.05)
"""

QUICK = [
    *("--headless", "--priority", "normal", "--set", "run.record=false", "--set", "features.simd=false"),
    *("--set", "workers.count=0", "--set", "agents.count=20", "--set", "heatmap.resolution=16"),
    *("--set", "render.width=320", "--set", "render.height=180", "--set", "heatmap.density_resolution=16"),
]


def report_of(folder):
    return json.loads((folder / "run.json").read_text())["training"]


class Watching(Running):
    """`attach` while it runs; `said` has the lines of its errors so far."""

    def __init__(self, *arguments):
        super().__init__("attach", *arguments, *QUICK)
        self.said = ""
        os.set_blocking(self.process.stderr.fileno(), False)

    def wait_to_say(self, text, timeout_s=60):
        wait_until(lambda: text in self._read(), timeout_s, f"it says {text!r}; so far: {self.said}")

    def _read(self):
        with contextlib.suppress(BlockingIOError):
            while part := os.read(self.process.stderr.fileno(), 65536):
                self.said += part.decode()
        return self.said

    def end(self):
        os.kill(self.pid, signal.SIGINT)
        wait_until(lambda: self.process.poll() is not None, 30, "it ends")
        self._read()
        return self.process.returncode


@pytest.mark.chaos
@pytest.mark.timeout(180)
def test_a_viewer_outlives_a_trainer_that_is_killed_and_goes_on_with_the_next(tmp_path):
    """Started before the first one. The second does not notice that the viewer ends."""
    with Watching(NAME, "--out", tmp_path) as viewer:
        viewer.wait_to_say(f"waiting for the training run {NAME} to be published")
        with trainer(TRAINS, NAME, "100") as first:
            viewer.wait_to_say(f"watching {NAME}")
            os.kill(first.pid, signal.SIGKILL)
            viewer.wait_to_say("the trainer was killed; the picture stays with its last weights")
        with trainer(TRAINS, NAME, "1") as second:
            viewer.wait_to_say(f"began again (process {second.pid})")
            time.sleep(1)
            assert viewer.end() == 130
            assert second.poll() is None
    report = report_of(tmp_path)
    assert report["alive"]
    assert report["updates_shown"] > 0
    assert 1 <= report["newest_steps"] < 100
    wait_for_end({viewer.pid}, 5)


@pytest.mark.chaos
@pytest.mark.timeout(180)
def test_a_trainer_goes_on_when_its_viewer_is_killed(tmp_path):
    with trainer(TRAINS, NAME, "1") as training, Watching(NAME, "--out", tmp_path) as viewer:
        viewer.wait_to_say(f"watching {NAME}")
        wait_until(lambda: len(descendants(viewer.pid)) > 0, 60, "it judges checkpoints")
        started = descendants(viewer.pid)
        os.kill(viewer.pid, signal.SIGKILL)
        wait_for_end({viewer.pid, *started}, 10)
        assert training.poll() is None


def test_the_only_training_run_is_listed_and_a_name_decides_among_several(tmp_path):
    with trainer(TRAINS, NAME, "1"), trainer(TRAINS, f"{NAME}-b", "1"):
        for name in (NAME, f"{NAME}-b"):
            wait_for_name(name)
        listed = valuescape("attach", "--list")
        assert {NAME, f"{NAME}-b"} <= {line.split()[0] for line in listed.stdout.splitlines()}
        several = valuescape("attach", *QUICK)
        assert several.returncode == 2
        assert "training runs are published: " in several.stderr
        assert "name one: valuescape attach " in several.stderr


def test_a_folder_is_followed_from_its_first_checkpoint_on(tmp_path):
    """In the world that the checkpoints name; the folder need not be there."""
    folder = tmp_path / "logs"
    with Watching(folder, "--out", tmp_path / "out") as viewer:
        viewer.wait_to_say(f"waiting for the first checkpoint in {folder}")
        folder.mkdir()
        save(folder, 1000)
        viewer.wait_to_say("watching logs: point_mass, after 1,000 steps")
        wait_until(lambda: len(descendants(viewer.pid)) > 0, 60, "it judges checkpoints")
        save(folder, 2000)
        time.sleep(1.5)
        viewer.end()
    report = report_of(tmp_path / "out")
    assert (report["newest_steps"], report["watching"]) == (2000, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["a/b.txt"], "is a file, expected the folder of a training run"),
        (["no name!"], "the name of a training run is 'no name!'"),
        (["x", "--priority", "high"], "--priority"),
    ],
)
def test_mistakes_are_named(tmp_path, arguments, said):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.txt").write_text("")
    arguments = [str(tmp_path / each) if each.startswith("a/") else each for each in arguments]
    ended = valuescape("attach", *arguments)
    assert ended.returncode == 2
    assert said in ended.stderr
