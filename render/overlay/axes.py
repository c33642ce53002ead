"""Places and texts of axes and ticks. No OpenGL."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np

from valuescape.render.overlay.overlay import FAINT, INK, Overlay
from valuescape.render.overlay.ticks import ticks
from valuescape.render.view.camera import MapCamera, OrbitCamera, Rect
from valuescape.sim.arrays import Float32Array

Point = tuple[float, float, float]
Pixel = tuple[float, float]
Matrix = Float32Array | list[list[float]]
"""A 4x4 matrix from scene to clip space; a list is faster to read number by number."""

HEIGHT = 0.62
"""The greatest height of the height field, in units of half the map's width."""

TITLE_EMS = 1.35
"""Height of the row above a map for its title."""

_LONG_EMS = 6.0
"""The length of an axis of heights from which on a number may be left out."""

_ALONG = (0.0, 0.25, -0.25, 0.5, -0.5, 0.75, -0.75)
"""Places for the title along an edge, -1 to 1; the first one with room is taken."""


@dataclass(frozen=True, slots=True)
class MapAxis:
    """One edge of the map: its label and the state's values at its ends."""

    label: str
    low: float
    high: float

    def value(self, scene: float) -> float:
        """Return the state's value at scene coordinate `scene` in [-1, 1]."""
        return self.low + (scene + 1) / 2 * (self.high - self.low)

    def scene(self, value: float) -> float:
        """Return the scene coordinate of a value."""
        return (value - self.low) / (self.high - self.low) * 2 - 1


@dataclass(frozen=True, slots=True)
class Height:
    """The axis of heights. ticks: (share of the top, text) of each. top: the greatest height in the scene."""

    title: str
    ticks: tuple[tuple[float, str], ...]
    top: float


def header_lines(size_px: tuple[int, int], font_px: float) -> int:
    """Return the number of lines for the heading that a picture has room for."""
    return min(max(round(size_px[1] / font_px / 8), 2), 4)


def bar_left(size_px: tuple[int, int], font_px: float) -> float:
    """Return the left edge of colour bars: right of the map, nearer to the margin in a narrow picture."""
    return size_px[0] - min(6.2 * font_px, _right_margin(size_px[0], font_px) - 0.8 * font_px)


def _right_margin(width: float, font_px: float) -> float:
    return min(max(0.16 * width, 5.6 * font_px), 8.5 * font_px)


def plot_rect(size_px: tuple[int, int], font_px: float, *, titled: bool = False) -> Rect:
    """Return the rectangle of the flat map, which leaves room for ticks, labels, bars and a heading.

    Margins are narrower in a small picture. titled: leave room for the map's title, too.
    """
    width, height = size_px
    left, right = min(max(0.13 * width, 4.2 * font_px), 6.2 * font_px), _right_margin(width, font_px)
    top = (0.6 + 0.95 * header_lines(size_px, font_px) + TITLE_EMS * titled) * font_px
    bottom = min(max(0.18 * height, 3.95 * font_px), 4.6 * font_px)
    return Rect(left, top, max(width - left - right, 16), max(height - top - bottom, 16))


def draw_map_axes(overlay: Overlay, camera: MapCamera, plot: Rect, axes: tuple[MapAxis, MapAxis]) -> None:
    """Draw the frame of the flat map, with ticks for the part that is visible."""
    em = overlay.font.line_px
    x_low, y_low, x_high, y_high = camera.visible()
    for edge in (
        ((plot.left, plot.bottom), (plot.right, plot.bottom)),
        ((plot.left, plot.top), (plot.left, plot.bottom)),
        ((plot.left, plot.top), (plot.right, plot.top)),
        ((plot.right, plot.top), (plot.right, plot.bottom)),
    ):
        overlay.line(*edge, 1, FAINT)
    horizontal, vertical = axes
    low, high = horizontal.value(x_low), horizontal.value(x_high)
    for value, text in ticks(low, high, max(3, int(plot.width / (5 * em)))):
        x = plot.left + (value - low) / (high - low) * plot.width
        overlay.line((x, plot.bottom), (x, plot.bottom + 0.3 * em), 1, FAINT)
        overlay.label(x, plot.bottom + 0.45 * em, text, anchor=(0.5, 0))
    low, high = vertical.value(y_low), vertical.value(y_high)
    widest = 0.0
    for value, text in ticks(low, high, max(3, int(plot.height / (3 * em)))):
        y = plot.bottom - (value - low) / (high - low) * plot.height
        overlay.line((plot.left - 0.3 * em, y), (plot.left, y), 1, FAINT)
        if overlay.label(plot.left - 0.45 * em, y, text, anchor=(1, 0.5)):
            widest = max(widest, overlay.font.width(text))
    _name_map_axes(overlay, plot, axes, widest)


def _name_map_axes(overlay: Overlay, plot: Rect, axes: tuple[MapAxis, MapAxis], widest: float) -> None:
    """Write the axes' titles beside their ticks. widest: width of the numbers on the left, pixels."""
    em = overlay.font.line_px
    title = overlay.short(axes[0].label, plot.width)
    overlay.label(plot.left + plot.width / 2, plot.bottom + 1.45 * em, title, anchor=(0.5, 0))
    title = overlay.short(axes[1].label, plot.height)
    x = max(plot.left - 0.7 * em - widest, 1.1 * em)
    overlay.label(x, plot.top + plot.height / 2, title, anchor=(0.5, 1), upright=True)


def draw_orbit_axes(
    overlay: Overlay,
    camera: OrbitCamera,
    size_px: tuple[int, int],
    axes: tuple[MapAxis, MapAxis],
    height: Height | None = None,
    plot: Rect | None = None,
) -> None:
    """Draw the two lower edges of the scene's box nearest to the camera, with ticks and labels outside.

    height: the axis of heights, drawn at the leftmost vertical edge. plot: the rectangle of the flat map.
    """
    matrix = camera.matrix(size_px, plot).tolist()
    eye_x, eye_y, _ = camera.eye()
    near_x = 1.0 if eye_x > camera.target_x else -1.0
    near_y = 1.0 if eye_y > camera.target_y else -1.0
    _rule(overlay, matrix, size_px, (near_x, -1.0, 0.0), (near_x, 1.0, 0.0))
    _rule(overlay, matrix, size_px, (-1.0, near_y, 0.0), (1.0, near_y, 0.0))
    edges = (
        _Edge(axes[0], lambda t: (t, near_y), (0.0, near_y)),
        _Edge(axes[1], lambda t: (near_x, t), (near_x, 0.0)),
    )
    for edge in edges:
        _name_edge(overlay, matrix, size_px, edge)
    numbers = [at for edge in edges for at in _tick_edge(overlay, matrix, size_px, edge)]
    if height:
        _draw_height(overlay, matrix, size_px, height, numbers)


def _rule(overlay: Overlay, matrix: Matrix, size_px: tuple[int, int], start: Point, end: Point) -> None:
    first, last = project(matrix, size_px, start), project(matrix, size_px, end)
    if first is not None and last is not None:
        overlay.line(first, last, 1, FAINT)


@dataclass(frozen=True, slots=True)
class _Edge:
    """An edge of the map. place: maps [-1, 1] to points of the edge. outwards: points away from the map."""

    axis: MapAxis
    place: Callable[[float], tuple[float, float]]
    outwards: tuple[float, float]

    def beside(self, t: float, distance: float) -> Point:
        """Return the scene point at `distance` from the edge."""
        x, y = self.place(t)
        return x + distance * self.outwards[0], y + distance * self.outwards[1], 0.0


def _tick_edge(overlay: Overlay, matrix: Matrix, size_px: tuple[int, int], edge: _Edge) -> list[Pixel]:
    """Draw an edge's ticks and numbers; return the pixels of the numbers."""
    labels = []
    for value, text in ticks(edge.axis.low, edge.axis.high, 6):
        at = edge.axis.scene(value)
        start, end, far = (project(matrix, size_px, edge.beside(at, each)) for each in (0.0, 0.035, 0.1))
        if start and end and far:
            overlay.line(start, end, 1, FAINT)
            overlay.label(*far, text, anchor=(0.5, 0.5))
            labels.append(far)
    return labels


def _name_edge(overlay: Overlay, matrix: Matrix, size_px: tuple[int, int], edge: _Edge) -> None:
    """Write an axis' title beside the middle of its edge, or beside the first other place with room."""
    em = overlay.font.line_px
    title = edge.axis.label
    titles = dict.fromkeys((title, overlay.short(title, 8 * em), overlay.short(title, 4 * em)))
    for text, at in product(titles, _ALONG):
        start, far = (project(matrix, size_px, edge.beside(at, each)) for each in (0.0, 0.2))
        if not start or not far:
            continue
        push = np.subtract(far, start)
        push = push / max(float(np.hypot(*push)), 1e-6) * em * 0.4
        # Anchored on the side that faces the map, so that a long label grows away from it.
        toward = 0.5 - 0.5 * float(np.sign(push[0])) * min(1.0, abs(push[0]) / (0.2 * em))
        x, y, half = far[0] + push[0], far[1] + push[1], overlay.font.width(text) / 2
        left = min(max(x - 2 * half * toward, 0.3 * em), size_px[0] - 2 * half - 0.3 * em)
        # Moved into the picture by half of its width at most; further, it would lie over the map.
        if abs(left - (x - 2 * half * toward)) <= half and overlay.label(left, y, text, anchor=(0, 0.5)):
            return


def _draw_height(
    overlay: Overlay, matrix: Matrix, size_px: tuple[int, int], height: Height, taken: list[Pixel]
) -> None:
    """Draw the leftmost vertical edge of the box, with the numbers on its left.

    taken: pixels of other axes' numbers. A number right above one of those would seem to belong to it, and is
    left out if the edge has room for others.
    """
    em = overlay.font.line_px
    corners = [(x, y) for x in (-1.0, 1.0) for y in (-1.0, 1.0)]
    feet = [(project(matrix, size_px, (*corner, 0.0)), corner) for corner in corners]
    seen = [(foot, corner) for foot, corner in feet if foot]
    if not seen:
        return
    x, y = min(seen)[1]
    _rule(overlay, matrix, size_px, (x, y, 0.0), (x, y, height.top))
    if top := project(matrix, size_px, (x, y, height.top)):
        _title_height(overlay, top, height.title)
        taken = taken if math.dist(top, min(seen)[0]) > _LONG_EMS * em else []
    for at, text in height.ticks:
        point = project(matrix, size_px, (x, y, at * height.top))
        if point and not any(_is_below(each, point, em) for each in taken):
            overlay.line((point[0] - 0.3 * em, point[1]), point, 1, FAINT)
            overlay.label(point[0] - 0.45 * em, point[1], text, anchor=(1, 0.5))


def _is_below(number: Pixel, tick: Pixel, em: float) -> bool:
    """Return whether a number is in the next line below a tick on its right."""
    return abs(number[0] - tick[0]) < 3 * em and abs(number[1] - tick[1]) < 2 * em


def _title_height(overlay: Overlay, top: tuple[float, float], title: str) -> None:
    """Write a title above the top of the axis of heights, at the first place with room."""
    em = overlay.font.line_px
    for above, aside in product((0.5, 1.5, 2.5), (0.5, 0.0, 1.0)):
        if overlay.label(top[0], top[1] - above * em, title, anchor=(aside, 1)):
            return


def project(matrix: Matrix, size_px: tuple[int, int], point: Point) -> tuple[float, float] | None:
    """Return the pixel (from the top left) of a scene point; None if it is behind the camera.

    Performance: for single points; `picking.on_screen` does the same for arrays.
    """
    across, along, _, depth = matrix
    x, y, z = point
    w = depth[0] * x + depth[1] * y + depth[2] * z + depth[3]
    if w <= 1e-4:
        return None
    right = (across[0] * x + across[1] * y + across[2] * z + across[3]) / w
    up = (along[0] * x + along[1] * y + along[2] * z + along[3]) / w
    return float(right + 1) / 2 * size_px[0], float(1 - up) / 2 * size_px[1]


def draw_rectangle(
    overlay: Overlay,
    matrix: Matrix,
    size_px: tuple[int, int],
    corners: tuple[float, float, float, float],
) -> None:
    """Draw a box (low x, low y, high x, high y) on the ground of the scene."""
    x_low, y_low, x_high, y_high = corners
    around = [(x_low, y_low), (x_high, y_low), (x_high, y_high), (x_low, y_high), (x_low, y_low)]
    points = [project(matrix, size_px, (x, y, 0.0)) for x, y in around]
    for start, end in pairwise(points):
        if start and end:
            overlay.line(start, end, 1.5, INK)
