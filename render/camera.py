"""Cameras as values: what they look at, their matrix, and how they move."""

import math
from dataclasses import dataclass, replace
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

Float32Array = NDArray[np.float32]

CameraT = TypeVar("CameraT", "MapCamera", "OrbitCamera")

MIN_PITCH, MAX_PITCH = math.radians(8), math.radians(89)
MIN_DISTANCE, MAX_DISTANCE = 0.4, 12.0
MIN_REACH, MAX_REACH = 0.005, 2.0


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

    center: what is in the middle of the plot. reach: from there to the plot's edges; 1 shows the whole map.
    (Not its inverse, the magnification: mixing that of two cameras would move what both show in one place.)
    """

    center_x: float = 0.0
    center_y: float = 0.0
    reach: float = 1.0

    def matrix(self, size_px: tuple[int, int], plot: Rect) -> Float32Array:
        """Return the 4x4 matrix from scene to clip space; the map fills `plot`."""
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
        """Return the part of the scene in the plot: x and y from, x and y to."""
        x, y, reach = self.center_x, self.center_y, self.reach
        return x - reach, y - reach, x + reach, y + reach

    def scene_at(self, x_px: float, y_px: float, plot: Rect) -> tuple[float, float]:
        """Return the scene point under a pixel."""
        x = ((x_px - plot.left) / plot.width * 2 - 1) * self.reach + self.center_x
        y = (1 - (y_px - plot.top) / plot.height * 2) * self.reach + self.center_y
        return x, y

    def dragged(self, dx_px: float, dy_px: float, plot: Rect) -> Self:
        """Return the camera after the map was dragged by so many pixels."""
        step_x, step_y = 2 * self.reach / plot.width, 2 * self.reach / plot.height
        return replace(self, center_x=self.center_x - dx_px * step_x, center_y=self.center_y + dy_px * step_y)

    def zoomed(self, factor: float, x_px: float, y_px: float, plot: Rect) -> Self:
        """Return the camera zoomed so that what is under the pixel stays there."""
        x, y = self.scene_at(x_px, y_px, plot)
        reach = min(max(self.reach / factor, MIN_REACH), MAX_REACH)
        keep = reach / self.reach
        return replace(
            self,
            reach=reach,
            center_x=x + (self.center_x - x) * keep,
            center_y=y + (self.center_y - y) * keep,
        )


@dataclass(frozen=True, slots=True)
class OrbitCamera:
    """The height field in perspective, from `distance` around a target. Angles in radians, z is up."""

    yaw: float = math.radians(-125)
    pitch: float = math.radians(34)
    distance: float = 4.15
    target_x: float = 0.0
    target_y: float = 0.0
    target_z: float = 0.1
    field_of_view: float = math.radians(38)

    def eye(self) -> tuple[float, float, float]:
        """Return where the camera is, in the scene."""
        flat = self.distance * math.cos(self.pitch)
        return (
            self.target_x + flat * math.cos(self.yaw),
            self.target_y + flat * math.sin(self.yaw),
            self.target_z + self.distance * math.sin(self.pitch),
        )

    def matrix(self, size_px: tuple[int, int]) -> Float32Array:
        """Return the 4x4 matrix from scene to clip space."""
        eye = np.array(self.eye())
        forward = np.array([self.target_x, self.target_y, self.target_z]) - eye
        forward /= np.linalg.norm(forward)
        right = np.array([-math.sin(self.yaw), math.cos(self.yaw), 0.0])
        up = np.cross(right, forward)
        view = np.eye(4)
        for row, axis in enumerate((right, up, -forward)):
            view[row, :3], view[row, 3] = axis, -axis @ eye
        near, far = 0.05, 40.0
        focal = 1 / math.tan(self.field_of_view / 2)
        lens = np.zeros((4, 4))
        lens[0, 0], lens[1, 1] = focal * size_px[1] / size_px[0], focal
        lens[2, 2], lens[2, 3] = (far + near) / (near - far), 2 * far * near / (near - far)
        lens[3, 2] = -1
        matrix: Float32Array = (lens @ view).astype(np.float32)
        return matrix

    def orbited(self, dx_px: float, dy_px: float) -> Self:
        """Return the camera after a drag: across turns, along tilts; 0.4 degrees a pixel."""
        pitch = min(max(self.pitch + math.radians(0.4) * dy_px, MIN_PITCH), MAX_PITCH)
        return replace(self, yaw=self.yaw - math.radians(0.4) * dx_px, pitch=pitch)

    def panned(self, dx_px: float, dy_px: float, height_px: int) -> Self:
        """Return the camera after the ground was dragged by so many pixels."""
        step = 2 * self.distance * math.tan(self.field_of_view / 2) / height_px
        along = dy_px * step / max(math.sin(self.pitch), 0.2)
        across = dx_px * step
        return replace(
            self,
            target_x=self.target_x + across * math.sin(self.yaw) - along * math.cos(self.yaw),
            target_y=self.target_y - across * math.cos(self.yaw) - along * math.sin(self.yaw),
        )

    def zoomed(self, factor: float) -> Self:
        """Return the camera nearer by `factor`."""
        return replace(self, distance=min(max(self.distance / factor, MIN_DISTANCE), MAX_DISTANCE))

    def turned(self, radians: float) -> Self:
        """Return the camera further round its target."""
        return replace(self, yaw=self.yaw + radians)


def eased(now: CameraT, goal: CameraT, elapsed_s: float, half_life_s: float = 0.06) -> CameraT:
    """Return the camera on its way from `now` to `goal`: half of what is left every `half_life_s`.

    The same path at any frame rate.
    """
    left = 0.5 ** (elapsed_s / half_life_s)
    mixed = {
        name: getattr(goal, name) + (getattr(now, name) - getattr(goal, name)) * left
        for name in now.__dataclass_fields__
    }
    return replace(now, **mixed)
