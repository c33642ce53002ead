"""The maps of a training run as a film: one frame a checkpoint, all on the same colours."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg

from valuescape.analysis.panels import Domain, leading_panels
from valuescape.analysis.pictures import figure
from valuescape.analysis.training import Frame
from valuescape.render.displays.recorder import VideoRecorder

_DPI = 160
_SLOWEST, _FASTEST = 2, 25
_LENGTH_S = 12
"""The length at which the frame rate is aimed."""

_HOLD_S = 2
"""How long the last frame stays."""


def write_film(path: Path, frames: Sequence[Frame], titles: Sequence[str]) -> None:
    """Write the maps [n] of belief, truth and error as an MP4, with a title on each frame.

    Raises UsageError if the file cannot be written. A frame takes about 0.15 s on one core.
    """
    rate = min(max(round(len(frames) / _LENGTH_S), _SLOWEST), _FASTEST)
    film = _Film(frames)
    pictures = (film.picture(frame, title) for frame, title in zip(frames, titles, strict=True))
    first = next(pictures)
    height, width, _ = first.shape
    with VideoRecorder(path, (width, height), rate) as recorder:
        newest = first
        recorder.add(first.tobytes())
        for newest in pictures:
            recorder.add(newest.tobytes())
        for _ in range(rate * _HOLD_S):
            recorder.add(newest.tobytes())


def domain_of(frames: Sequence[Frame]) -> Domain:
    """Return the colours that all frames are drawn in."""
    return Domain.of([each.value for each in frames], [each.truth for each in frames])


class _Film:
    """Draws frames into one figure, whose layout and colours stay."""

    def __init__(self, frames: Sequence[Frame]) -> None:
        self._domain = domain_of(frames)
        self._figure = figure(frames[0], self._panels(frames[0]))
        self._figure.set_dpi(_DPI)
        self._title = self._figure.suptitle(" ", fontsize=10)
        self._canvas = FigureCanvasAgg(self._figure)
        self._canvas.draw()
        self._figure.set_layout_engine("none")

    def picture(self, frame: Frame, title: str) -> Any:
        """Return a frame as RGB bytes [height, width, 3]."""
        self._title.set_text(title)
        for axes, panel in zip(self._figure.axes, self._panels(frame).values(), strict=False):
            (image,) = axes.images
            image.set_data(panel.field)
            image.set_alpha(panel.opacity)
        self._canvas.draw()
        return np.ascontiguousarray(np.asarray(self._canvas.buffer_rgba())[..., :3])

    def _panels(self, frame: Frame) -> Any:
        return leading_panels(frame.value, frame.truth, frame.significant, self._domain)
