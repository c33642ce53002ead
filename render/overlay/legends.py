"""Lays out colour bars, the trails' legend, the legend of end marks and the heading, and writes them into an
`Overlay`. No OpenGL calls.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from valuescape.gpu.constants import MARK_COLORS
from valuescape.render.overlay.axes import bar_left, header_lines
from valuescape.render.overlay.layout import PARTS
from valuescape.render.overlay.overlay import FAINT, INK, Color, Overlay
from valuescape.render.overlay.ticks import label, nice_step, ticks
from valuescape.render.view.camera import Rect
from valuescape.sim.worlds.base import TERMINATED, Termination

_BAR_GAP, _LEAST_BAR = 1.9, 1.6
"""In ems: the gap between two bars, which holds the lower one's title; and the smallest height of a bar."""

_Mark = Callable[[Overlay, float, float, float, Color], None]


@dataclass(frozen=True, slots=True)
class ColorBar:
    """A colour scale: its title, the row of its colour map, and the numbers at its ends.

    names: labels for the values 0, 1, 2 …, if colours stand for categories. meaning: a short explanation.
    """

    title: str
    row: int
    low: float
    high: float
    exponential: bool = False  # the field is log2(1 + x); the labels say x
    names: tuple[str, ...] = ()
    meaning: str = ""

    def labels(self, most: int) -> list[tuple[float, str]]:
        """Return (place in [0, 1], text) of each tick."""
        span = max(self.high - self.low, 1e-12)
        if self.names:
            return [((index - self.low) / span, name) for index, name in enumerate(self.names)]
        if self.exponential:
            return [((np.log2(1 + x) - self.low) / span, label(x, x or 1)) for x in self._counts(most)]
        return [((number - self.low) / span, text) for number, text in ticks(self.low, self.high, most)]

    def _counts(self, most: int) -> list[float]:
        highest = 2 ** (self.high + 0.001 * min(self.high - self.low, 1.0)) - 1  # rounding hides no label
        powers = [float(m * 10**p) for p in range(8) for m in (1, 3)]
        inside = [x for x in powers if 2**self.low - 1 <= x <= highest]
        stride = -(-len(inside) // max(most - 1, 1)) if inside else 1
        return [0.0] * (self.low == 0) + inside[::stride]


def draw_color_bars(overlay: Overlay, bars: Sequence[ColorBar], size_px: tuple[int, int], plot: Rect) -> None:
    """Stack the bars on the right, each with its title above and numbers beside it.

    The last bars are left out if the picture is not tall enough for all of them.
    """
    em = overlay.font.line_px
    bars = bars[: max(int((plot.height + _BAR_GAP * em) / ((_BAR_GAP + _LEAST_BAR) * em)), 1)]
    height = (plot.height - _BAR_GAP * em * (len(bars) - 1)) / max(len(bars), 1)
    left, width = bar_left(size_px, em), 0.9 * em
    top = plot.top
    for bar in bars:
        # A title too long for the space right of `left` begins further left.
        edge = size_px[0] - 0.4 * em
        title = overlay.short(bar.title, edge - plot.right - 0.3 * em)
        overlay.label(min(left, edge - overlay.font.width(title)), top - 1.05 * em, title)
        overlay.rect(left - 1, top - 1, width + 2, height + 2, FAINT)
        overlay.gradient(left, top, width, height, bar.row)
        for at, text in bar.labels(max(3, int(height / (2 * em)))):
            y = top + height * (1 - at)
            if overlay.label(left + width + 0.4 * em, y, text, anchor=(0, 0.5)):
                overlay.line((left + width, y), (left + width + 0.25 * em, y), 1, FAINT)
        top += height + _BAR_GAP * em
    if bars:
        begin = left - 0.5 * em
        _take(overlay, Rect(begin, plot.top - 1.05 * em, size_px[0] - begin, plot.height + 1.8 * em))


def map_title(bars: Sequence[ColorBar]) -> str:
    """Return title and meaning of each layer of a map, in a line."""
    return PARTS.join(f"{bar.title}: {bar.meaning}" if bar.meaning else bar.title for bar in bars)


def write_above_map(
    overlay: Overlay, said: str, plot: Rect, size_px: tuple[int, int], color: Color = INK
) -> None:
    """Write a line above a map, shortened to the room beside the colour bar's title."""
    em = overlay.font.line_px
    left, top = min(plot.left, 0.9 * em), plot.top - 1.2 * em
    room = overlay.layout.room(left, top, overlay.font.ascent + overlay.font.descent, size_px[0])
    if overlay.label(left, top, overlay.short(said, room - 0.3 * em), color):
        _take(overlay, around([overlay.texts[-1].box], 0.2 * em))


def _take(overlay: Overlay, area: Rect) -> None:
    """Reserve an area of text, and give it a dark backing where the scene lies under it."""
    overlay.layout.take(area)
    overlay.blocks.append(area)


def draw_heading(
    overlay: Overlay, left: Sequence[str], right: Sequence[str], size_px: tuple[int, int]
) -> None:
    """Write lines at the top edge, `left` on its left and `right` on its right.

    Lines too long for their row are shortened. The left line may take two thirds of the row, or three
    quarters if its first part needs that much. If there are more lines than rows, the last are left out.
    """
    em = overlay.font.line_px
    rows, margin = header_lines(size_px, em), 0.9 * em
    whole = size_px[0] - 2 * margin
    blocks: tuple[list[Rect], list[Rect]] = [], []
    for index in range(rows):
        y, color = (0.5 + index * 0.95) * em, FAINT if index else INK
        text = left[index] if index < len(left) else ""
        if index < len(right):
            least = whole - overlay.font.width(text.split(PARTS)[0]) - em
            room = max(whole - overlay.font.width(text) - em, min(whole / 3, max(least, whole / 4)))
            said = overlay.short(right[index], room)
            if overlay.label(size_px[0] - margin, y, said, FAINT, anchor=(1, 0)):
                blocks[1].append(overlay.texts[-1].box)
        room = overlay.layout.room(margin, y, overlay.font.ascent + overlay.font.descent, size_px[0] - margin)
        text = overlay.short(text, room - 0.5 * em)
        if overlay.label(margin, y, text, color):
            blocks[0].append(overlay.texts[-1].box)
    for block in filter(None, blocks):
        _take(overlay, around(block, 0.2 * em))


def around(boxes: Sequence[Rect], margin: float) -> Rect:
    """Return the rectangle around boxes, larger by `margin` on all sides."""
    left, top = min(each.left for each in boxes) - margin, min(each.top for each in boxes) - margin
    right, bottom = max(each.right for each in boxes) + margin, max(each.bottom for each in boxes) + margin
    return Rect(left, top, right - left, bottom - top)


def draw_trail_legend(overlay: Overlay, bar: ColorBar, size_px: tuple[int, int]) -> None:
    """Draw the legend of the trails' colours, at the lower right, as much of it as fits."""
    em = overlay.font.line_px
    title = f"trails: {bar.title}"
    room = overlay.layout.room(0.9 * em, size_px[1] - 1.35 * em, 0.8 * em, size_px[0] - 0.9 * em)
    for said, scale_em in ((title, 7.0), (title, 4.0), (bar.title, 4.0), ("", 4.0)):
        parts = _named(overlay, bar) if bar.names else _scaled(overlay, bar, scale_em)
        width = sum(parts.widths) + overlay.font.width(said) + 0.9 * em * bool(said)
        if width <= room:
            _write_legend(overlay, bar, parts, said, size_px)
            return


@dataclass(frozen=True, slots=True)
class _Legend:
    """A legend without its title.

    texts: category names, or a scale's two ends. widths: of each part, px. scale_px: 0 for names.
    """

    texts: tuple[str, ...]
    widths: tuple[float, ...]
    scale_px: float = 0.0


def _named(overlay: Overlay, bar: ColorBar) -> _Legend:
    em = overlay.font.line_px
    return _Legend(bar.names, tuple(overlay.font.width(name) + 2.5 * em for name in bar.names))


def _scaled(overlay: Overlay, bar: ColorBar, scale_em: float) -> _Legend:
    em = overlay.font.line_px
    step = nice_step(max((bar.high - bar.low) / 40, 1e-9))
    texts = label(bar.low, step), label(bar.high, step)
    widths = tuple(overlay.font.width(text) + 0.5 * em for text in texts)
    return _Legend(texts, (*widths, scale_em * em), scale_em * em)


def _write_legend(
    overlay: Overlay, bar: ColorBar, parts: _Legend, said: str, size_px: tuple[int, int]
) -> None:
    """Write the title, and names or a scale, from right to left; mark the area as taken."""
    em = overlay.font.line_px
    y, right = size_px[1] - 0.95 * em, size_px[0] - 0.9 * em
    begin = len(overlay.texts)
    if parts.scale_px:
        right = _inline_scale(overlay, bar, parts, right, y)
    else:
        right = _swatches(overlay, bar, parts, right, y)
    if said:
        overlay.text(right, y, said, INK, anchor=(1, 0.5))
    _take(overlay, around([each.box for each in overlay.texts[begin:]], 0.2 * em))


def _swatches(overlay: Overlay, bar: ColorBar, parts: _Legend, right: float, y: float) -> float:
    """Draw names with their colours up to `right`; return the x where the next item to the left must end."""
    em = overlay.font.line_px
    for index, name in reversed(list(enumerate(parts.texts))):
        overlay.text(right, y, name, FAINT, anchor=(1, 0.5))
        right -= overlay.font.width(name) + 1.6 * em
        at = (index - bar.low) / max(bar.high - bar.low, 1e-12)
        overlay.swatch(right, y - 0.1 * em, 1.2 * em, 0.25 * em, bar.row, at)
        right -= 0.9 * em
    return right


def _inline_scale(overlay: Overlay, bar: ColorBar, parts: _Legend, right: float, y: float) -> float:
    """Draw a scale with its numbers up to `right`; return the x where the next item to the left must end."""
    em, (low, high) = overlay.font.line_px, parts.texts
    overlay.text(right, y, high, FAINT, anchor=(1, 0.5))
    right -= overlay.font.width(high) + 0.5 * em + parts.scale_px
    overlay.rect(right - 1, y - 0.3 * em - 1, parts.scale_px + 2, 0.6 * em + 2, FAINT)
    overlay.gradient(right, y - 0.3 * em, parts.scale_px, 0.6 * em, bar.row)
    overlay.text(right - 0.5 * em, y, low, FAINT, anchor=(1, 0.5))
    return right - overlay.font.width(low) - 1.2 * em


def draw_end_marks(overlay: Overlay, termination: Termination, size_px: tuple[int, int]) -> None:
    """Draw the legend of the marks of episodes' ends, at the lower left: as many marks as fit."""
    em = overlay.font.line_px
    x, y = 0.9 * em, size_px[1] - 0.95 * em
    begin = len(overlay.texts)
    for name, draw, color in _end_marks(termination):
        if not overlay.label(x + 1.2 * em, y, name, FAINT, anchor=(0, 0.5)):
            break
        draw(overlay, x + 0.5 * em, y, 0.32 * em, color)
        x += overlay.font.width(name) + 2.4 * em
    if len(overlay.texts) > begin:
        area = around([each.box for each in overlay.texts[begin:]], 0.2 * em)
        _take(overlay, replace(area, left=0.5 * em, width=area.right - 0.5 * em))


def _end_marks(termination: Termination) -> list[tuple[str, _Mark, Color]]:
    """Return name, shape and colour of the marks that occur in a world with that termination."""
    marks: list[tuple[str, _Mark, Color]] = [("truncated", _square, MARK_COLORS["truncated"])]
    if termination != "never":
        shape = _diamond if termination == "goal" else _cross
        marks.insert(0, (TERMINATED[termination], shape, MARK_COLORS[termination]))
    return marks


def _cross(overlay: Overlay, x: float, y: float, half: float, color: Color) -> None:
    for side in (-1, 1):
        overlay.line((x - half, y - side * half), (x + half, y + side * half), 0.5 * half, color)


def _square(overlay: Overlay, x: float, y: float, half: float, color: Color) -> None:
    corners = [(x - half, y - half), (x + half, y - half), (x + half, y + half), (x - half, y + half)]
    for start, end in zip(corners, corners[1:] + corners[:1], strict=True):
        overlay.line(start, end, 0.5 * half, color)


def _diamond(overlay: Overlay, x: float, y: float, half: float, color: Color) -> None:
    far = 1.25 * half
    overlay.line((x - far / 2, y - far / 2), (x + far / 2, y + far / 2), 1.4 * far, color)
