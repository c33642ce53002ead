"""Whole headless runs: the files they leave, and a clean end whatever ends them."""

import json
import os
import signal
import time

import av
import pytest
from commands import TINY, Running, valuescape
from PIL import Image
from processes import running

pytestmark = pytest.mark.gpu

PROMISED = {
    *("agents", "workers", "frames", "ticks", "fps_mean", "fps_std", "frame_ms_p50", "frame_ms_p95"),
    *("frame_ms_p99", "ticks_per_s", "gpu_queries_per_frame", "draw_calls_per_frame"),
    *("upload_bytes_per_frame", "segments_per_frame", "memory_mb_per_min", "start_s", "worker_restarts"),
    *("health", "config", "versions", "gl_renderer"),
}
QUIET = [*TINY, "--set", "run.record=false"]


def completed(folder, *arguments):
    """Make a run that must succeed; return its report."""
    ended = valuescape("run", *arguments, "--out", folder)
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stderr
    return report_in(folder)


@pytest.fixture
def completed_here(cli, tmp_path):
    """Make a run that must succeed, in this process, with workers from a fork server; returns its report."""

    def call(*arguments):
        forked = "--set", "workers.start_method=forkserver"
        status, _, errors = cli("run", *arguments, *forked, "--out", tmp_path)
        assert status == 0, errors
        return report_in(tmp_path)

    return call


def report_in(folder):
    return json.loads((folder / "run.json").read_text(), parse_constant=pytest.fail)


def frames_of(video):
    """Decode a video; return the number of its frames and their size."""
    with av.open(str(video)) as container:
        sizes = [(frame.width, frame.height) for frame in container.decode(video=0)]
    assert len(set(sizes)) == 1
    return len(sizes), sizes[0]


def test_a_run_leaves_a_report_and_a_picture(tmp_path):
    report = completed(tmp_path, *QUIET, "--frames", 5, "--seed", 12345)
    assert report.keys() >= PROMISED
    assert (report["agents"], report["frames"], report["worker_restarts"]) == (70, 5, 0)
    assert report["config"]["run"]["seed"] == 12345
    assert report["health"].keys() == {"fps_std", "frame_ms_p95", "gpu_queries", "draw_calls", "memory"}
    assert 0 < report["start_s"] < 60
    with Image.open(tmp_path / "last-frame.png") as picture:
        assert (picture.format, picture.size) == ("PNG", (320, 180))
        assert len(picture.getcolors(2**16)) > 100
    assert {path.name for path in tmp_path.iterdir()} == {"run.json", "last-frame.png"}


def test_a_recording_has_every_frame_and_ticks_that_do_not_depend_on_how_long_frames_take(
    completed_here, tmp_path
):
    video, picture = tmp_path / "deep" / "film.mp4", tmp_path / "my.png"
    report = completed_here(
        *QUIET, "--frames", 12, "--record", video, "--screenshot", picture,
        "--set", "sim.ticks_per_s=90", "--set", "render.video_fps=30",
    )  # fmt: skip
    assert frames_of(video) == (12, (320, 180))
    assert report["ticks"] == 36
    assert report["recorded"]
    assert picture.exists()


def test_a_recording_of_an_odd_size_is_cut_to_an_even_one(completed_here, tmp_path):
    completed_here(*TINY, "--frames", 2, "--set", "render.width=321", "--set", "render.height=181")
    assert frames_of(tmp_path / "run.mp4") == (2, (320, 180))


@pytest.mark.parametrize(
    "changes",
    [
        [],
        ["features.async_physics=false"],
        ["workers.count=0"],
        ["workers.count=0", "sim.ticks_per_s=0"],
        ["workers.count=2", "sim.ticks_per_s=0"],
    ],
    ids=" ".join,
)
def test_a_run_by_ticks_ends_at_exactly_that_tick(completed_here, changes):
    changes = [part for change in changes for part in ("--set", change)]
    report = completed_here(*QUIET, "--ticks", 37, "--set", "sim.ticks_per_s=200", *changes)
    assert report["ticks"] == 37


def test_a_recording_by_ticks_ends_at_exactly_that_tick(completed_here):
    report = completed_here(*TINY, "--ticks", 7, "--set", "sim.ticks_per_s=60")
    assert (report["ticks"], report["frames"]) == (7, 4)


def test_a_run_by_seconds_ends_after_them(completed_here):
    began = time.monotonic()
    report = completed_here(*QUIET, "--seconds", 0.5)
    assert 0 < report["ticks"] <= 60 * (time.monotonic() - began)
    assert report["frames"] > 1


@pytest.mark.parametrize(
    ("changes", "workers"),
    [
        (["policy.checkpoint=random"], 2),
        (["features.gpu_heatmap=false"], 2),
        (["features.parallel_agents=false"], 0),
        (["world.name=pendulum", "render.view=2d"], 2),
        (["world.name=mountain_car", "heatmap.layer=value"], 2),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, list) else "",
)
def test_settings_that_take_another_way_run(completed_here, changes, workers):
    changes = [part for change in changes for part in ("--set", change)]
    assert completed_here(*QUIET, "--frames", 3, *changes)["workers"] == workers


# --- Interrupted -----------------------------------------------------------------------------------------


@pytest.mark.chaos
@pytest.mark.parametrize(
    ("after_s", "group"),
    [(at_s, index % 2 == 0) for index, at_s in enumerate((0, 0.15, 0.3, 0.4, 0.5, 0.6, 0.7, 0.9))],
    ids=lambda each: {True: "terminal", False: "process"}.get(each) if isinstance(each, bool) else str(each),
)
def test_ctrl_c_while_starting_ends_everything_silently(tmp_path, after_s, group):
    """As a terminal sends it, to all of the group, and to the main process alone, by turns."""
    with Running("run", *TINY, "--out", tmp_path) as run:
        run.wait_for_imports()
        time.sleep(after_s)
        status, _, errors = run.end_by(signal.SIGINT, group=group, within_s=5)
    assert status == 130
    assert "Traceback" not in errors
    assert errors.strip() == ""


@pytest.mark.chaos
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_recording_is_kept(tmp_path, number):
    with Running("run", *TINY, "--seconds", 600, "--out", tmp_path) as run:
        run.wait_for(tmp_path / "run.mp4")
        status, out, errors = run.end_by(number, group=number == signal.SIGINT, within_s=5)
    assert status == 130
    assert "Traceback" not in errors
    report = report_in(tmp_path)
    assert frames_of(tmp_path / "run.mp4") == (report["frames"], (320, 180))
    assert report["frames"] > 0
    assert f"wrote {tmp_path / 'run.json'}" in out
    assert (tmp_path / "last-frame.png").exists()


@pytest.mark.chaos
def test_sigterm_while_starting_ends_everything(tmp_path):
    for after_s in (0, 0.5):
        with Running("run", *TINY, "--out", tmp_path) as run:
            run.wait_for_imports()
            time.sleep(after_s)
            status, _, errors = run.end_by(signal.SIGTERM, group=False, within_s=5)
        # Before the program handles signals, the system ends the process.
        assert status in (130, -signal.SIGTERM)
        assert errors.strip() == ""


@pytest.mark.chaos
def test_nothing_outlives_a_run_that_is_killed(tmp_path):
    with Running("run", *QUIET, "--seconds", 60, "--set", "workers.count=2", "--out", tmp_path) as run:
        wait_for_workers(run, 2)
        run.end_by(signal.SIGKILL, group=False, within_s=2)


@pytest.mark.chaos
def test_a_run_survives_the_loss_of_a_worker_and_says_so(tmp_path):
    slow = "--set", "render.max_fps=10"
    with Running("run", *QUIET, *slow, "--seconds", 3, "--set", "workers.count=2", "--out", tmp_path) as run:
        lost = wait_for_workers(run, 2)[0]
        os.kill(lost, signal.SIGKILL)
        _, errors = run.process.communicate(timeout=60)
        assert run.process.returncode == 0, errors
    assert report_in(tmp_path)["worker_restarts"] == 1


@pytest.mark.chaos
def test_a_run_that_loses_worker_after_worker_gives_up_and_keeps_its_video(tmp_path):
    limits = ["--set", "workers.count=2", "--set", "workers.max_restarts=0"]
    with Running("run", *TINY, "--seconds", 600, *limits, "--out", tmp_path) as run:
        run.wait_for(tmp_path / "run.mp4")
        workers = run.workers()
        os.kill(workers[1], signal.SIGKILL)
        _, errors = run.process.communicate(timeout=60)
    assert run.process.returncode == 1
    assert "failed after tick" in errors
    assert "Traceback" not in errors
    assert not any(map(running, workers))
    assert frames_of(tmp_path / "run.mp4")[0] > 0


def wait_for_workers(run, count):
    """Wait until all workers of a run make ticks; return their process IDs."""
    run.wait_for_imports()
    for _ in range(3000):
        workers = run.workers()
        if len(workers) == count:
            time.sleep(1)
            return workers
        time.sleep(0.01)
    raise AssertionError(f"{len(workers)} of {count} workers came up")
