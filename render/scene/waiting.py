"""Picture of the steps that are being waited for, while a run starts."""

from collections.abc import Sequence
from typing import Any

import moderngl
import numpy as np

from valuescape.gpu.bindings import Block
from valuescape.gpu.constants import BACKGROUND
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.owner import Owner
from valuescape.gpu.structs import FRAME
from valuescape.render.overlay.labels import FONT_PX
from valuescape.render.overlay.layout import wrapped
from valuescape.render.overlay.overlay import FAINT, INK, PANEL, Color, Overlay, OverlayRenderer
from valuescape.render.overlay.text import Font
from valuescape.render.scene.target import ColorTarget, over

_WIDTH_EMS, _MARGIN_EMS, _ROW_EMS, _BAR_EMS = 32.0, 1.2, 1.25, 0.16
_SECONDS_EMS, _ELSE_EMS = 4.0, 3.5
"""Width of the column of seconds; height of title, bar and hint."""

_SWING_S = 1.6
"""Period of the moving bar, which shows that the program is alive; seconds."""


class WaitingPicture(Owner):
    """Draws into `picture`, a framebuffer of any size: a title, steps with their seconds, a hint.

    pixel_scale: framebuffer pixels per logical pixel.
    """

    def __init__(self, gl: Any, pixel_scale: float) -> None:
        super().__init__()
        self._gl = gl
        self._font = Font(round(FONT_PX * pixel_scale))
        self._renderer = self._own(OverlayRenderer(gl, self._font, FrameMeter()))
        self._block = self._own(gl.buffer(reserve=FRAME.itemsize))
        self._target = self._own(ColorTarget(gl))

    @property
    def picture(self) -> Any:
        """The framebuffer; None before it is drawn for the first time."""
        return self._target.picture

    def draw(
        self,
        size_px: tuple[int, int],
        title: str,
        steps: Sequence[tuple[str, float]],
        hint: str,
        behind: Any = None,
    ) -> None:
        """Draw `picture`, made `size_px` large.

        steps: texts and seconds so far, the newest last. behind: a framebuffer to draw over, if it has that
        size.
        """
        self._target.resize(size_px)
        overlay = Overlay(self._font)
        if behind is not None and behind.size == size_px:
            self._gl.copy_framebuffer(self.picture, behind)
            overlay.rect(0, 0, *size_px, (*PANEL[:3], 0.5))
        else:
            self.picture.clear(*BACKGROUND, 1.0)
        _write(overlay, size_px, title, steps, hint)
        self._renderer.upload(overlay.quads())
        frame = np.zeros(1, FRAME)
        frame["viewport_px"] = size_px
        self._block.write(frame.tobytes())
        self._block.bind_to_uniform_block(Block.FRAME)
        self.picture.use()
        self._gl.enable_only(moderngl.NOTHING)
        over(self._gl)
        self._renderer.draw()


def _write(
    overlay: Overlay, size_px: tuple[int, int], title: str, steps: Sequence[tuple[str, float]], hint: str
) -> None:
    """Write a card in the middle of the picture, with as many of the last steps as fit."""
    em = overlay.font.line_px
    margin = _MARGIN_EMS * em
    width = min(_WIDTH_EMS * em, size_px[0])
    rows = _rows(overlay, steps, width - 2 * margin - _SECONDS_EMS * em)
    room = int((size_px[1] / em - 2 * _MARGIN_EMS - _ELSE_EMS) / _ROW_EMS)
    rows = rows[-max(room, 1) :]
    height = (_ROW_EMS * len(rows) + _ELSE_EMS) * em + 2 * margin
    left, top = (size_px[0] - width) / 2, max((size_px[1] - height) / 2, 0)
    overlay.rect(left, top, width, height, PANEL)
    x, y, right = left + margin, top + margin, left + width - margin
    overlay.text(x, y, title, INK)
    y += (_ROW_EMS + 0.4) * em
    for what, seconds, ink in rows:
        overlay.text(x, y, what, ink)
        overlay.text(right, y, seconds, ink, anchor=(1, 0))
        y += _ROW_EMS * em
    _swing(overlay, x, y + 0.15 * em, right - x, sum(seconds for _, seconds in steps))
    overlay.text(x, y + 0.8 * em, hint, FAINT)


def _rows(overlay: Overlay, steps: Sequence[tuple[str, float]], width: float) -> list[tuple[str, str, Color]]:
    """Return lines no wider than `width`: text, seconds (in the first line of a step), colour."""
    rows = []
    for index, (what, seconds) in enumerate(steps):
        ink = INK if index == len(steps) - 1 else FAINT
        for line, text in enumerate(wrapped(overlay.font, what, width)):
            rows.append((text, "" if line else f"{seconds:.1f} s", ink))
    return rows


def _swing(overlay: Overlay, x: float, y: float, width: float, seconds: float) -> None:
    """Draw a bar that moves to and fro; seconds: time since the start."""
    em, part = overlay.font.line_px, 0.2
    at = abs(2 * (seconds / _SWING_S % 1) - 1) * (1 - part)
    overlay.rect(x, y, width, _BAR_EMS * em, (*FAINT[:3], 0.15))
    overlay.rect(x + at * width, y, part * width, _BAR_EMS * em, INK)
