"""Makes the video of a run again, frame by frame."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from valuescape.provenance.contents import VideoMade
from valuescape.remake.comparison import frames_of
from valuescape.remake.means import Original
from valuescape.render.displays.headless import HeadlessDisplay
from valuescape.run.length import RunLength
from valuescape.run.outputs import Outputs, Progress
from valuescape.run.session import Session
from valuescape.run_state import RunState


class _SessionAgain(Session):
    """A session whose headings name as many workers as the video's did; frames are the same with any."""

    def __init__(self, workers: int, *session: Any, **options: Any) -> None:
        self._workers = workers
        super().__init__(*session, **options)

    def state(self) -> RunState:
        """Return the state of the run, with the video's workers."""
        return replace(super().state(), workers=self._workers)


def remake_video(original: Original, made: VideoMade, out: Path) -> None:
    """Make a video of as many frames again. Raises UsageError if the original cannot be decoded."""
    frames = sum(1 for _ in frames_of(original.path))
    canvas, means = made.canvas, original.means
    size = canvas.width, canvas.height
    display = HeadlessDisplay(size, original.config.render.device, pixel_scale=canvas.pixel_scale)

    def tell(progress: Progress) -> None:
        means.on_progress(progress.done, f"frame {progress.frames:,} of {frames:,}")

    with TemporaryDirectory() as folder:
        outputs = Outputs(Path(folder), video=out)
        length = RunLength(frames=max(frames, 1), ticks=made.ticks)
        with _SessionAgain(
            made.workers,
            *(original.config, length, outputs),
            headless=made.headless,
            interrupts=means.interrupts,
            display=display,
            panel=False,
        ) as session:
            session.run(tell)
        means.interrupts.check()
