"""The flat map painted by machine code, where the processor draws anyway."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.gpu.constants import BACKGROUND, MAP_END, STEEPEST
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.render.scene.map_pixels import Lines, Lookups, lay_crowd, lookups, paint_map
from valuescape.sim.arrays import Float32Array, Uint32Array
from valuescape.sim.cells.grid import read_only

Scissor = tuple[int, int, int, int]
"""Left, bottom, width and height in a picture, pixels."""

_LEAST_ROWS = 64
"""Rows of pixels from which on a thread pays."""


@dataclass(frozen=True, slots=True, eq=False)
class MapContent:
    """What the map shows.

    shades: packed RGBA [h, w], alpha as `ShadePass` has it. values: of the base map, [h, w]. ends: of their
    scale.
    """

    shades: Uint32Array
    values: Float32Array
    ends: tuple[float, float]


class PaintedMap:
    """Paints the flat map and the crowd's trails over it, and writes the pixels into a picture.

    Pixels are those of `surface/map.frag` and `surface/map_crowd.frag`, but for the samplers' rounding: one
    or two levels of 255. What was painted last is stale when the key of a frame differs, as for `Backdrop`.
    `release` ends the threads. threads: that paint together, each its rows.

    Performance: `make bench-render`; a third of the processor's time that a software driver takes.
    """

    def __init__(self, threads: int, meter: FrameMeter) -> None:
        self._meter, self._threads = meter, threads
        self._pool = ThreadPoolExecutor(threads - 1, "map") if threads > 1 else None
        self._key: object = None
        self._map = self._over = np.zeros((0, 0), np.uint32)

    def draw(
        self,
        target: Any,
        frame: NDArray[Any],
        part: Scissor,
        crowd: Uint32Array | None,
        content: Callable[[], MapContent],
        key: object,
    ) -> None:
        """Write the map into `target`, a framebuffer with a texture, inside of `part`.

        frame: the frame block. crowd: colours of the crowd's cells, premultiplied; None without. content: is
        asked for what the map shows, if it has to be painted. key: None paints it anew.
        """
        (left, bottom), u, v = _in_sight(frame, part, target.viewport, target.size)
        if not (len(u) and len(v)):
            return
        if key is None or key != self._key or self._map.shape != (len(v), len(u)):
            self._paint(frame, content(), u, v)
            self._key = key
        pixels = self._map if crowd is None else self._lay(crowd, u, v)
        target.color_attachments[0].write(pixels, viewport=(left, bottom, len(u), len(v)))
        self._meter.upload_bytes += pixels.nbytes
        self._meter.draw_calls += 1

    def _paint(self, frame: NDArray[Any], content: MapContent, u: Float32Array, v: Float32Array) -> None:
        shades, values = read_only(content.shades, np.uint32), read_only(content.values, np.float32)
        self._map = _room(self._map, (len(v), len(u)))
        opacity = np.float32(frame["surface_opacity"][0])
        back = tuple(np.float32(255 * each) * (1 - opacity) for each in BACKGROUND)
        lines = _lines(frame, content.ends)
        columns = lookups(u, shades.shape[1]), lookups(u, values.shape[1])
        rows = lookups(v, shades.shape[0]), lookups(v, values.shape[0])

        def work(part: slice) -> None:
            own = tuple((tuple(x), _cut(y, part)) for x, y in zip(columns, rows, strict=True))
            paint_map(shades, values, *own, tuple(lines), back, opacity, self._map[part])

        self._share(work, len(v))

    def _lay(self, crowd: Uint32Array, u: Float32Array, v: Float32Array) -> Uint32Array:
        self._over = _room(self._over, self._map.shape)
        crowd = read_only(crowd, np.uint32)
        columns, rows = lookups(u, crowd.shape[1]), lookups(v, crowd.shape[0])

        def work(part: slice) -> None:
            lay_crowd(crowd, (tuple(columns), _cut(rows, part)), self._map[part], self._over[part])

        self._share(work, len(v))
        return self._over

    def _share(self, work: Callable[[slice], None], rows: int) -> None:
        """Call `work` with parts of the rows, all at the same time."""
        count = max(min(self._threads, rows // _LEAST_ROWS), 1)
        parts = [slice(*ends) for ends in pairwise(rows * at // count for at in range(count + 1))]
        begun = [self._pool.submit(work, part) for part in parts[1:]] if self._pool else []
        work(parts[0])
        for each in begun:
            each.result()

    def release(self) -> None:
        """End the threads."""
        if self._pool:
            self._pool.shutdown()


def _room(pixels: Uint32Array, shape: tuple[int, ...]) -> Uint32Array:
    return pixels if pixels.shape == shape else np.empty(shape, np.uint32)


def _cut(places: Lookups, part: slice) -> tuple[NDArray[np.int32], Float32Array]:
    return np.ascontiguousarray(places.texels[:, part]), places.share[part]


def _lines(frame: NDArray[Any], ends: tuple[float, float]) -> Lines:
    """Return the contour lines of a frame, as `contour.glsl` has them. ends: of the map's scale."""
    count = float(frame["contours"][0])
    width = STEEPEST * float(frame["uv_px"][0]) * count * float(frame["pixel_scale"][0])
    per_value = count / max(ends[1] - ends[0], 1e-12)
    return Lines(np.float32(ends[0]), np.float32(per_value), np.float32(width / 255**2))


def _in_sight(
    frame: NDArray[Any], part: Scissor, viewport: Scissor, size_px: tuple[int, int]
) -> tuple[tuple[int, int], Float32Array, Float32Array]:
    """Return left and bottom of the map's pixels in a part of the picture, and u and v of their centres."""
    matrix = frame["view_projection"][0].T.astype(float)
    starts, places = [], []
    for axis in range(2):
        first, last = max(part[axis], 0), min(part[axis] + part[axis + 2], size_px[axis])
        pixels = np.arange(first, last)
        ndc = (pixels + 0.5 - viewport[axis]) / viewport[axis + 2] * 2 - 1
        uv = ((ndc - matrix[axis, 3]) / matrix[axis, axis] + 1) / 2
        inside = (uv >= 0) & (uv <= MAP_END)
        starts.append(first + int(inside.argmax()) if len(pixels) else first)
        places.append(uv[inside].astype(np.float32))
    return (starts[0], starts[1]), places[0], places[1]
