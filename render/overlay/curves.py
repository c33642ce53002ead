"""Small curves over training steps in a card: a line with its interval, dots, and a mark. No OpenGL."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from valuescape.render.overlay.overlay import FAINT, INK, Color, Overlay
from valuescape.render.view.camera import Rect

# In ems: the height of a curve with its title, of its plot, the room for the plot's ends, the least width,
# the room above curves; the height of a small curve, and the least width of its plot.
_CURVE, _PLOT, _ENDS, _LEAST, _ABOVE = 3.1, 1.9, 3.2, 17.0, 0.4
_SMALL, _SMALL_PLOT = 1.2, 5.0

_LINE: Color = (0.34, 0.71, 0.91, 1.0)
_BAND: Color = (0.34, 0.71, 0.91, 0.25)
_DOT: Color = (0.90, 0.62, 0.0, 1.0)
_GRID: Color = (0.93, 0.94, 0.96, 0.18)
_LEAST_BAND_PX = 2.0


@dataclass(frozen=True, slots=True)
class Curve:
    """A number over training steps.

    points: steps, value, and the ends of its interval, ascending. dots: steps and value of what another
    measured. Both in units of the number. said: the value at the mark, or before it, in words.
    """

    title: str
    points: tuple[tuple[float, float, float, float], ...]
    dots: tuple[tuple[float, float], ...] = ()
    said: str = ""


def curves_size(overlay: Overlay, curves: Sequence[Curve], *, small: bool) -> tuple[float, float]:
    """Return the least width and the height in pixels of curves below each other; 0, 0 for none."""
    if not curves:
        return 0.0, 0.0
    em = overlay.font.line_px
    if not small:
        return _LEAST * em, (len(curves) * _CURVE + _ABOVE) * em
    return sum(_small_columns(overlay, curves)) + (_SMALL_PLOT + 1.0) * em, (
        len(curves) * _SMALL + _ABOVE
    ) * em


def draw_curves(
    overlay: Overlay,
    curves: Sequence[Curve],
    place: tuple[float, float],
    width: float,
    mark: float | None,
    *,
    small: bool,
) -> None:
    """Draw curves below each other; place: the upper left corner, pixels. mark: steps with a line, or None.

    small: each in one line with its title and its value; the ends of the axes and the values' intervals are
    left out.
    """
    em = overlay.font.line_px
    left, top = place[0], place[1] + _ABOVE * em
    if small:
        _draw_small(overlay, curves, (left, top), width, mark)
        return
    for index, curve in enumerate(curves):
        draw_curve(overlay, curve, (left, top + index * _CURVE * em), width, mark)


def draw_curve(
    overlay: Overlay, curve: Curve, place: tuple[float, float], width: float, mark: float | None
) -> None:
    """Draw a curve with its title; place: the upper left corner, pixels. mark: steps with a line, or None."""
    em = overlay.font.line_px
    left, top = place[0], place[1] + 0.95 * em
    height = _PLOT * em
    low, high = axis_ends(curve)
    overlay.text(left, place[1], curve.title, FAINT)
    overlay.text(left + width, place[1], curve.said, INK, anchor=(1, 0))
    for value, y, anchor in ((high, top, 0.15), (low, top + height, 0.85)):
        overlay.text(left + width, y, _number(value), FAINT, anchor=(1, anchor))
    _plot(overlay, curve, Rect(left, top, width - _ENDS * em, height), mark)


def _draw_small(
    overlay: Overlay, curves: Sequence[Curve], place: tuple[float, float], width: float, mark: float | None
) -> None:
    """Draw curves of a line's height below each other, each between its title and its value."""
    em = overlay.font.line_px
    titles, values = _small_columns(overlay, curves)
    plot = Rect(place[0] + titles + 0.5 * em, 0.0, width - titles - values - em, 0.8 * em)
    for index, curve in enumerate(curves):
        y = place[1] + index * _SMALL * em
        overlay.text(place[0], y, curve.title, FAINT)
        overlay.text(place[0] + width, y, _short(curve.said), INK, anchor=(1, 0))
        _plot(overlay, curve, replace(plot, top=y + 0.15 * em), mark)


def _small_columns(overlay: Overlay, curves: Sequence[Curve]) -> tuple[float, float]:
    """Return the widths of the titles and of the values of small curves, pixels."""
    width = overlay.font.width
    titles = max((width(each.title) for each in curves), default=0.0)
    return titles, max((width(_short(each.said)) for each in curves), default=0.0)


def _short(said: str) -> str:
    """Return a value without its interval."""
    return said.partition(" (")[0]


def _plot(overlay: Overlay, curve: Curve, area: Rect, mark: float | None) -> None:
    """Draw interval, line, dots and mark of a curve in an area."""
    left, top, width, height = area.left, area.top, area.width, area.height
    first, last = _span(curve)
    low, high = axis_ends(curve)

    def at(steps: float, value: float) -> tuple[float, float]:
        x = left + width * ((steps - first) / (last - first) if last > first else 1.0)
        return x, top + height * (high - min(max(value, low), high)) / (high - low)

    overlay.rect(left, top, width, height, (*_GRID[:3], 0.06))
    if low < 0 < high:
        y = at(last, 0.0)[1]
        overlay.line((left, y), (left + width, y), 1, _GRID)
    if mark is not None and first <= mark <= last:
        x = at(mark, low)[0]
        overlay.line((x, top), (x, top + height), 1, FAINT)
    ends = [(at(steps, upper), at(steps, lower)) for steps, _, lower, upper in curve.points]
    for band in _bands(ends, left + width):
        overlay.rect(*band, _BAND)
    line = np.array([at(steps, value) for steps, value, _, _ in curve.points], np.float32).reshape(-1, 2)
    if len(line) == 1:
        overlay.rect(line[0, 0] - 1.5, line[0, 1] - 1.5, 3, 3, _LINE)
    else:
        overlay.polyline(line, 1.5, _LINE)
    for x, y in (at(*dot) for dot in curve.dots if first <= dot[0] <= last):
        overlay.rect(x - 1, y - 1, 2, 2, _DOT)


def _bands(
    ends: Sequence[tuple[tuple[float, float], tuple[float, float]]], right: float
) -> Iterator[tuple[float, float, float, float]]:
    """Yield rectangles (left, top, width, height), one around each point, for intervals in pixels."""
    for index, (upper, lower) in enumerate(ends):
        if not (math.isfinite(upper[1]) and math.isfinite(lower[1])):
            continue
        before = ends[index - 1][0][0] if index else upper[0]
        after = ends[index + 1][0][0] if index + 1 < len(ends) else upper[0]
        left = (before + upper[0]) / 2
        wide = max((after - before) / 2, _LEAST_BAND_PX)
        yield left, upper[1], min(wide, right - left), lower[1] - upper[1]


def _span(curve: Curve) -> tuple[float, float]:
    """Return the first and the last step."""
    return curve.points[0][0], max(curve.points[-1][0], curve.points[0][0])


def axis_ends(curve: Curve) -> tuple[float, float]:
    """Return the ends of the value's axis: of all values, and of intervals as far as they are alike."""
    told = [point[1] for point in (*curve.points, *curve.dots)]
    values = sorted(filter(math.isfinite, told)) or [0.0]
    low, high = values[0], values[-1]
    inner = values[len(values) // 10 : len(values) - len(values) // 10] or values
    spread = inner[-1] - inner[0]
    if spread > 0:  # a few wild values of the beginning do not flatten the rest
        low, high = max(low, inner[0] - 2 * spread), min(high, inner[-1] + 2 * spread)
    room = 0.08 * (high - low) or 0.5 * abs(high) or 1.0
    return low - room, high + room


def _number(value: float) -> str:
    said = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return said.replace("-", "−")
