"""Colour bars, legends and headings: where they go and what they say. No OpenGL."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from render.camera import Rect
from render.overlay import FAINT, INK, Color, Overlay
from render.ticks import label, nice_step, ticks

END_MARKS = (("terminated", (1.0, 0.55, 0.25, 1.0)), ("truncated", (0.45, 0.8, 1.0, 1.0)))
"""What marks of episodes' ends mean, and their colours (agents.frag)."""


@dataclass(frozen=True, slots=True)
class ColorBar:
    """A colour scale to explain: its title, colour map row, and the numbers at its ends.

    names: of the whole numbers from 0 on, where the colours stand for a choice among so many.
    """

    title: str
    row: int
    low: float
    high: float
    exponential: bool = False  # the field is log2(1 + x); the labels say x
    names: tuple[str, ...] = ()

    def labels(self, most: int) -> list[tuple[float, str]]:
        """Return (place in [0, 1], text) of each tick."""
        span = max(self.high - self.low, 1e-12)
        if self.names:
            return [((index - self.low) / span, name) for index, name in enumerate(self.names)]
        if self.exponential:
            return [((np.log2(1 + x) - self.low) / span, label(x, x or 1)) for x in self._counts(most)]
        return [((number - self.low) / span, text) for number, text in ticks(self.low, self.high, most)]

    def _counts(self, most: int) -> list[float]:
        highest = 2**self.high - 1
        powers = [float(m * 10**p) for p in range(8) for m in (1, 3)]
        inside = [x for x in powers if 2**self.low - 1 <= x <= highest * 1.001]
        stride = -(-len(inside) // max(most - 1, 1)) if inside else 1
        return [0.0] * (self.low == 0) + inside[::stride]


def draw_color_bars(overlay: Overlay, bars: Sequence[ColorBar], size_px: tuple[int, int], plot: Rect) -> None:
    """Stack the bars on the right, each with its title above and numbers beside it."""
    em = overlay.font.line_px
    gap = 2.2 * em
    height = (plot.height - gap * (len(bars) - 1) - 1.6 * em * (len(bars) > 1)) / max(len(bars), 1)
    left, width = size_px[0] - 6.2 * em, 0.9 * em
    top = plot.top
    for bar in bars:
        # A long title would leave the picture; it begins further left instead.
        overlay.text(
            min(left, size_px[0] - 0.4 * em - overlay.font.width(bar.title)), top - 1.3 * em, bar.title
        )
        overlay.rect(left - 1, top - 1, width + 2, height + 2, FAINT)
        overlay.gradient(left, top, width, height, bar.row)
        free = top + height + em  # above this the next number fits
        for at, text in bar.labels(max(3, int(height / (2 * em)))):
            y = top + height * (1 - at)
            if y > free:
                continue
            free = y - 0.8 * em
            overlay.line((left + width, y), (left + width + 0.25 * em, y), 1, FAINT)
            overlay.text(left + width + 0.4 * em, y, text, anchor=(0, 0.5))
        top += height + gap


def draw_heading(
    overlay: Overlay, left: Sequence[str], right: Sequence[str], size_px: tuple[int, int]
) -> None:
    """Write what is shown on the left of the top edge and how it runs on the right."""
    em = overlay.font.line_px
    for index, line in enumerate(left):
        overlay.text(0.9 * em, (0.5 + index * 0.95) * em, line, INK if index == 0 else FAINT)
    for index, line in enumerate(right):
        y = (0.5 + index * 0.95) * em
        overlay.text(size_px[0] - 0.9 * em, y, line, FAINT, anchor=(1, 0))


def draw_trail_legend(overlay: Overlay, bar: ColorBar, size_px: tuple[int, int]) -> float:
    """Explain the colours of trails right on the lower edge; returns where that begins."""
    em = overlay.font.line_px
    y, right = size_px[1] - 0.95 * em, size_px[0] - 0.9 * em
    if bar.names:
        for index, name in reversed(list(enumerate(bar.names))):
            overlay.text(right, y, name, FAINT, anchor=(1, 0.5))
            right -= overlay.font.width(name) + 1.6 * em
            at = (index - bar.low) / max(bar.high - bar.low, 1e-12)
            overlay.swatch(right, y - 0.1 * em, 1.2 * em, 0.25 * em, bar.row, at)
            right -= 0.9 * em
    else:
        right = _inline_scale(overlay, bar, right, y)
    overlay.text(right, y, f"trails: {bar.title}", INK, anchor=(1, 0.5))
    return right - overlay.font.width(f"trails: {bar.title}")


def _inline_scale(overlay: Overlay, bar: ColorBar, right: float, y: float) -> float:
    """Draw a scale with its ends' numbers, and return where what is left of it ends."""
    em = overlay.font.line_px
    low, high = (label(end, nice_step(max((bar.high - bar.low) / 40, 1e-9))) for end in (bar.low, bar.high))
    overlay.text(right, y, high, FAINT, anchor=(1, 0.5))
    right -= overlay.font.width(high) + 7.5 * em
    overlay.rect(right - 1, y - 0.3 * em - 1, 7 * em + 2, 0.6 * em + 2, FAINT)
    overlay.gradient(right, y - 0.3 * em, 7 * em, 0.6 * em, bar.row)
    overlay.text(right - 0.5 * em, y, low, FAINT, anchor=(1, 0.5))
    return right - overlay.font.width(low) - 1.2 * em


def draw_end_marks(overlay: Overlay, size_px: tuple[int, int], right: float) -> None:
    """Explain the marks of episodes' ends left on the lower edge, if `right` leaves room for it."""
    em = overlay.font.line_px
    x, y = 0.9 * em, size_px[1] - 0.95 * em
    if x + sum(overlay.font.width(name) + 2.4 * em for name, _ in END_MARKS) > right:
        return
    for name, mark in END_MARKS:
        (_cross if name == "terminated" else _square)(overlay, x + 0.5 * em, y, 0.32 * em, mark)
        x = _name(overlay, x + 1.2 * em, y, name)


def _name(overlay: Overlay, x: float, y: float, text: str) -> float:
    """Write a key's meaning and return where the next key goes."""
    overlay.text(x, y, text, FAINT, anchor=(0, 0.5))
    return x + overlay.font.width(text) + 1.2 * overlay.font.line_px


def _cross(overlay: Overlay, x: float, y: float, half: float, color: Color) -> None:
    for side in (-1, 1):
        overlay.line((x - half, y - side * half), (x + half, y + side * half), 0.5 * half, color)


def _square(overlay: Overlay, x: float, y: float, half: float, color: Color) -> None:
    corners = [(x - half, y - half), (x + half, y - half), (x + half, y + half), (x - half, y + half)]
    for start, end in zip(corners, corners[1:] + corners[:1], strict=True):
        overlay.line(start, end, 0.5 * half, color)
