"""Records training runs that are watched, one after the other, and joins what was recorded into one video."""

import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import av

ROOT = Path(__file__).parents[2]
FPS = 15
PART_S = 11
"""Seconds of the video for each run."""

_TICKS_PER_S = 40
_PERIOD_S = 0.4
_WRITING_S = 0.5
_COMMON = (
    *("--priority", "normal", "--set", f"render.video_fps={FPS}"),
    *("--set", "render.width=960", "--set", "render.height=540", "--set", "render.text_px=11"),
    *("--set", "render.turn_deg_per_s=0", "--set", "render.distance=4.4"),
    *("--set", "agents.count=300", "--set", "trails.length=30", "--set", "heatmap.layer=value"),
)


@dataclass(frozen=True)
class Watched:
    """A training run that is watched: the trainer's program with its arguments, the name or folder to attach
    to, and further options of `attach`.

    share: of the time for which the training goes on. kept: one of so many recorded frames is in the video,
    which gives the training more time.
    """

    trainer: tuple[str, ...]
    run: str
    options: tuple[str, ...]
    share: float
    kept: int

    def arguments(self, video: str, *more: str, at: str = "") -> list[str]:
        """Return the arguments of `valuescape` that write the video. at: begins the folder's path."""
        length = ["--seconds", str(PART_S * self.kept)]
        pace = ["--set", f"sim.ticks_per_s={_TICKS_PER_S // self.kept}"]
        options = [*length, *_COMMON, *pace, *self.options]
        return ["attach", at + self.run, "--headless", *options, "--record", video, *more]

    def commands(self, video: str) -> list[str]:
        """Return the commands that record the run."""
        command = shlex.join(["valuescape", *self.arguments(video)]).replace(" --set ", " \\\n  --set ")
        return [f"python {shlex.join(self.trainer)} &", command]

    def record(self, video: Path, *more: str) -> None:
        """Train, and record what a viewer shows meanwhile; more: options of `attach`."""
        with TemporaryDirectory() as folder:  # checkpoints and the history go there
            program = [sys.executable, str(ROOT / self.trainer[0]), *self.trainer[1:]]
            training = subprocess.Popen(program, cwd=folder, stdout=subprocess.DEVNULL)
            at = f"{folder}/" if self.run in self.trainer[1:2] else ""
            options = [*more, "--out", f"{folder}/out"]
            viewer = None
            try:
                _until_saved(Path(folder), training)
                program = [sys.executable, "-m", "valuescape", *self.arguments(str(video), *options, at=at)]
                viewer = subprocess.Popen(program, cwd=ROOT)
                self._go_on(training, viewer, video)
                if viewer.returncode:
                    raise subprocess.CalledProcessError(viewer.returncode, program)
            finally:
                training.terminate()
                training.send_signal(signal.SIGCONT)  # one that is stopped would not end
                training.wait()
                if viewer is not None:
                    viewer.terminate()
                    viewer.wait()

    def _go_on(self, training: Any, viewer: Any, video: Path) -> None:
        """Let the training go on for its share of the time, from the first frame on until the viewer ends."""
        while viewer.poll() is None:
            share = self.share if video.exists() else 0.0
            if share:
                training.send_signal(signal.SIGCONT)
                time.sleep(share * _PERIOD_S)
            if share < 1:
                training.send_signal(signal.SIGSTOP)
                time.sleep((1 - share) * _PERIOD_S)


def _until_saved(folder: Path, training: Any) -> None:
    """Wait for the first checkpoint to be complete, then stop the training."""
    while not any(each.suffix in (".zip", ".safetensors") for each in folder.rglob("*")):
        if training.poll() is not None:
            raise RuntimeError("the training ended before its first checkpoint")
        time.sleep(0.05)
    time.sleep(_WRITING_S)  # one that is stopped amid writing would never be complete
    training.send_signal(signal.SIGSTOP)


def join(videos: Sequence[tuple[Path, int]], result: Path) -> None:
    """Write videos one after the other into one; of so many frames of each one is kept."""
    with av.open(str(result), "w") as output:
        stream = None
        for video, kept in videos:
            with av.open(str(video)) as part:
                for index, frame in enumerate(part.decode(video=0)):
                    if index % kept:
                        continue
                    if stream is None:
                        stream = output.add_stream("libx264", rate=Fraction(FPS))
                        stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, "yuv420p"
                        stream.options = {"preset": "slow", "crf": "27"}
                    frame.pts = None
                    output.mux(stream.encode(frame))
        output.mux(stream.encode() if stream else [])


WATCHED = (
    Watched(
        ("examples/watch_cleanrl_style.py", "--name", "cleanrl-style"),
        "cleanrl-style",
        ("--set", "render.yaw_deg=-125"),
        0.8,
        4,
    ),
    Watched(("examples/watch_sb3.py",), "sac-Pendulum-v1", ("--set", "render.yaw_deg=-60"), 1.0, 8),
    Watched(
        ("examples/watch_folder.py", "checkpoints"),
        "checkpoints",
        ("--set", "heatmap.axes=cart position, pole angle", "--set", "policy.exploration=0.3"),
        0.7,
        4,
    ),
)
"""The three ways to watch a training run: two lines in a loop, a callback, a folder."""

TEXT = (
    "Critics while they learn, watched from the first steps on ([video](live.mp4), 33 seconds): a loop "
    "in CleanRL's style with two lines for viewers, PPO on the pendulum; SAC of Stable-Baselines3 with "
    "a callback; and PPO of Stable-Baselines3 on the cart-pole, which saves checkpoints in a folder and "
    "knows of no viewer. The agents are those of the viewer; they act with the newest policy. The card "
    "has the return of 64 episodes from the same starts, the mean of V − G and the explained variance "
    "over training steps; orange: the return that the trainer published. `python docs/gallery/make.py "
    f"live` makes the recordings below and joins them, with one of {WATCHED[0].kept}, {WATCHED[1].kept} "
    f"and {WATCHED[2].kept} frames. It stops each training until the viewer is there, and two of them "
    "for a part of the time after that, since recording is slower than a view in a window. How far the "
    "trainings come depends on the machine."
)


def make(name: str, folder: Path) -> None:
    """Write the video and the last picture of its first part into a folder."""
    with TemporaryDirectory() as scratch:
        videos = [Path(scratch) / f"{index}.mp4" for index, _ in enumerate(WATCHED)]
        for index, (each, video) in enumerate(zip(WATCHED, videos, strict=True)):
            each.record(video, *(("--screenshot", f"{folder / name}.png") if index == 0 else ()))
        join(
            [(video, each.kept) for each, video in zip(WATCHED, videos, strict=True)], folder / f"{name}.mp4"
        )
