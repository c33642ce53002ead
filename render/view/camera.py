"""Cameras as values: what they look at, their matrices, and moves that return a new camera."""

import math
from dataclasses import dataclass, replace
from typing import Self, TypeVar

import numpy as np

from valuescape.sim.arrays import Float32Array, Float64Array

CameraT = TypeVar("CameraT", "MapCamera", "OrbitCamera")

MIN_PITCH, MAX_PITCH = math.radians(8), math.radians(89)
MIN_DISTANCE, MAX_DISTANCE = 0.4, 12.0
MIN_REACH, MAX_REACH = 0.005, 2.0
_MARGIN = 1.15
_ASPECT = 1.3
"""Width over height that the height field with its axes needs; it is drawn smaller in a narrower room."""

_FAR = 40.0
_TARGET_LIMIT = 3.0


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle in pixels from the top left."""

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """The right edge."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """The lower edge."""
        return self.top + self.height


@dataclass(frozen=True, slots=True)
class MapCamera:
    """The map from above. Scene coordinates: the map is [-1, 1]^2.

    center: the scene point in the middle of the plot. reach: distance from there to the plot's edges; 1 shows
    the whole map. (Not the magnification, its inverse: points that two cameras show in the same place would
    move while one changes into the other.)
    """

    center_x: float = 0.0
    center_y: float = 0.0
    reach: float = 1.0

    def matrix(self, size_px: tuple[int, int], plot: Rect) -> Float32Array:
        """Return the 4x4 float32 matrix from scene to clip space; the map fills `plot`."""
        width, height = size_px
        scale_x, scale_y = plot.width / width / self.reach, plot.height / height / self.reach
        middle_x = (plot.left + plot.width / 2) / width * 2 - 1
        middle_y = 1 - (plot.top + plot.height / 2) / height * 2
        matrix = np.eye(4, dtype=np.float32)
        matrix[0, 0], matrix[0, 3] = scale_x, middle_x - self.center_x * scale_x
        matrix[1, 1], matrix[1, 3] = scale_y, middle_y - self.center_y * scale_y
        matrix[2, 2] = 0.01
        return matrix

    def visible(self) -> tuple[float, float, float, float]:
        """Return the part of the scene in the plot: low x, low y, high x, high y."""
        x, y, reach = self.center_x, self.center_y, self.reach
        return x - reach, y - reach, x + reach, y + reach

    def scene_at(self, x_px: float, y_px: float, plot: Rect) -> tuple[float, float]:
        """Return the scene point under a pixel."""
        x = ((x_px - plot.left) / plot.width * 2 - 1) * self.reach + self.center_x
        y = (1 - (y_px - plot.top) / plot.height * 2) * self.reach + self.center_y
        return x, y

    def dragged(self, dx_px: float, dy_px: float, plot: Rect) -> Self:
        """Return the camera after a drag of the map by (dx_px, dy_px)."""
        step_x, step_y = 2 * self.reach / plot.width, 2 * self.reach / plot.height
        return replace(self, center_x=self.center_x - dx_px * step_x, center_y=self.center_y + dy_px * step_y)

    def zoomed(self, factor: float, x_px: float, y_px: float, plot: Rect) -> Self:
        """Return the camera zoomed in by `factor`; the scene point under the pixel stays there."""
        x, y = self.scene_at(x_px, y_px, plot)
        reach = min(max(self.reach / factor, MIN_REACH), MAX_REACH)
        keep = reach / self.reach
        return replace(
            self,
            reach=reach,
            center_x=x + (self.center_x - x) * keep,
            center_y=y + (self.center_y - y) * keep,
        )

    def fitted(self, low: tuple[float, float], high: tuple[float, float]) -> Self:
        """Return the camera that shows the box from `low` to `high` of the scene, with a margin around it."""
        (x_low, y_low), (x_high, y_high) = low, high
        reach = max(x_high - x_low, y_high - y_low) / 2 * _MARGIN
        return replace(
            self,
            center_x=(x_low + x_high) / 2,
            center_y=(y_low + y_high) / 2,
            reach=min(max(reach, MIN_REACH), MAX_REACH),
        )

    def centered(self, x: float, y: float) -> Self:
        """Return the camera above a point of the scene."""
        return replace(self, center_x=x, center_y=y)


@dataclass(frozen=True, slots=True)
class OrbitCamera:
    """The height field in perspective, seen from `distance` around a target. Angles in radians, z is up."""

    yaw: float = math.radians(-125)
    pitch: float = math.radians(34)
    distance: float = 4.15
    target_x: float = 0.0
    target_y: float = 0.0
    target_z: float = 0.1
    field_of_view: float = math.radians(38)

    def eye(self) -> tuple[float, float, float]:
        """Return the position of the camera in the scene: x, y, z."""
        flat = self.distance * math.cos(self.pitch)
        return (
            self.target_x + flat * math.cos(self.yaw),
            self.target_y + flat * math.sin(self.yaw),
            self.target_z + self.distance * math.sin(self.pitch),
        )

    def lens(self, size_px: tuple[int, int], plot: Rect | None = None) -> tuple[float, float]:
        """Return the focal length in halves of the picture's height, and the target's column in pixels.

        plot: the rectangle of the flat map; the height field is centred in the part of the picture left of
        its right edge, and smaller if that part is narrow. None: centred in the picture.
        """
        width, height = size_px
        room = min(plot.right, width) if plot else width
        narrow = min(room / height / _ASPECT, 1.0) if plot else 1.0
        return narrow / math.tan(self.field_of_view / 2), room / 2

    def matrix(self, size_px: tuple[int, int], plot: Rect | None = None) -> Float32Array:
        """Return the 4x4 float32 matrix from scene to clip space. plot: as for `lens`."""
        eye = np.array(self.eye())
        forward = np.array([self.target_x, self.target_y, self.target_z]) - eye
        forward /= np.linalg.norm(forward)
        right, up = self._across(forward)
        view = np.eye(4)
        for row, axis in enumerate((right, up, -forward)):
            view[row, :3], view[row, 3] = axis, -axis @ eye
        near, far = 0.05, 40.0
        focal, middle = self.lens(size_px, plot)
        lens = np.zeros((4, 4))
        lens[0, 2] = 1 - 2 * middle / size_px[0]
        lens[0, 0], lens[1, 1] = focal * size_px[1] / size_px[0], focal
        lens[2, 2], lens[2, 3] = (far + near) / (near - far), 2 * far * near / (near - far)
        lens[3, 2] = -1
        matrix: Float32Array = (lens @ view).astype(np.float32)
        return matrix

    def _across(self, forward: Float64Array) -> tuple[Float64Array, Float64Array]:
        """Return the unit vectors [3] to the right and the top of the picture. forward: into the picture."""
        x, y, z = forward
        sine, cosine = math.sin(self.yaw), math.cos(self.yaw)
        return np.array([-sine, cosine, 0.0]), np.array([cosine * z, sine * z, -sine * y - cosine * x])

    def orbited(self, dx_px: float, dy_px: float) -> Self:
        """Return the camera after a drag: dx_px turns it, dy_px tilts it, by 0.4 degrees a pixel."""
        pitch = min(max(self.pitch + math.radians(0.4) * dy_px, MIN_PITCH), MAX_PITCH)
        return replace(self, yaw=self.yaw - math.radians(0.4) * dx_px, pitch=pitch)

    def ground_at(
        self,
        x_px: float,
        y_px: float,
        size_px: tuple[int, int],
        z: float | None = None,
        plot: Rect | None = None,
    ) -> tuple[float, float] | None:
        """Return (x, y) of the scene point at height `z` under a pixel; None for pixels of the sky.

        z: None for the height of the target. plot: as for `lens`.
        """
        z = self.target_z if z is None else z
        height = size_px[1]
        focal, middle = self.lens(size_px, plot)
        forward = -np.array(
            [
                math.cos(self.pitch) * math.cos(self.yaw),
                math.cos(self.pitch) * math.sin(self.yaw),
                math.sin(self.pitch),
            ]
        )
        right, up = self._across(forward)
        across, along = 2 * (x_px - middle) / height / focal, (1 - 2 * y_px / height) / focal
        ray = forward + across * right + along * up
        eye = np.array(self.eye())
        if ray[2] > -1e-3 or (way := (z - eye[2]) / ray[2]) > _FAR or way < 0:
            return None
        x, y, _ = eye + way * ray
        return float(x), float(y)

    def panned(
        self,
        start: tuple[float, float],
        end: tuple[float, float],
        size_px: tuple[int, int],
        plot: Rect | None = None,
    ) -> Self:
        """Return the camera after the ground under pixel `start` was dragged to pixel `end`.

        The same camera if one of them is in the sky.
        """
        before, after = (self.ground_at(*pixel, size_px, plot=plot) for pixel in (start, end))
        if before is None or after is None:
            return self
        return self.centered(self.target_x + before[0] - after[0], self.target_y + before[1] - after[1])

    def zoomed(
        self,
        factor: float,
        pixel: tuple[float, float],
        size_px: tuple[int, int],
        plot: Rect | None = None,
    ) -> Self:
        """Return the camera nearer by `factor`; the ground under the pixel stays there."""
        distance = min(max(self.distance / factor, MIN_DISTANCE), MAX_DISTANCE)
        nearer = replace(self, distance=distance)
        before, after = (each.ground_at(*pixel, size_px, plot=plot) for each in (self, nearer))
        if before is None or after is None:
            return nearer
        return nearer.centered(self.target_x + before[0] - after[0], self.target_y + before[1] - after[1])

    def fitted(self, low: tuple[float, float], high: tuple[float, float]) -> Self:
        """Return the camera that shows the box from `low` to `high` of the scene, with a margin around it."""
        (x_low, y_low), (x_high, y_high) = low, high
        radius = math.hypot(x_high - x_low, y_high - y_low) / 2 * _MARGIN
        distance = radius / math.sin(self.field_of_view / 2)
        return replace(
            self.centered((x_low + x_high) / 2, (y_low + y_high) / 2),
            distance=min(max(distance, MIN_DISTANCE), MAX_DISTANCE),
        )

    def centered(self, x: float, y: float) -> Self:
        """Return the camera around another point of the scene, no further from the map than a limit."""
        limit = _TARGET_LIMIT
        return replace(self, target_x=min(max(x, -limit), limit), target_y=min(max(y, -limit), limit))

    def turned(self, radians: float) -> Self:
        """Return the camera turned around its target."""
        return replace(self, yaw=self.yaw + radians)


def between(flat: Float32Array, field: Float32Array, distance: float, share: float) -> Float32Array:
    """Return the 4x4 matrix at `share` of the way from the flat map's to the height field's.

    distance: of the field's camera. Divided by it, the field's matrix has the same weights (w) at its target
    as the map's, so that points move on straight lines from the one picture to the other.
    """
    mixed: Float32Array = (1 - share) * flat + share * field / np.float32(distance)
    return mixed


def eased(now: CameraT, goal: CameraT, elapsed_s: float, half_life_s: float = 0.06) -> CameraT:
    """Return the camera after `elapsed_s` on its way from `now` to `goal`.

    The difference halves every `half_life_s`, so the path is the same at any frame rate.
    """
    left = 0.5 ** (elapsed_s / half_life_s)
    mixed = {
        name: getattr(goal, name) + (getattr(now, name) - getattr(goal, name)) * left
        for name in now.__dataclass_fields__
    }
    return replace(now, **mixed)
