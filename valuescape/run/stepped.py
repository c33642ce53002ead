"""A run that its caller drives: tick by tick, and a picture when one is asked for."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any, TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray

from valuescape.provenance.containers import as_text
from valuescape.render.displays.display import picture_bytes
from valuescape.render.displays.recorder import VideoRecorder, pixels
from valuescape.render.view.camera import (
    MAX_DISTANCE,
    MAX_PITCH,
    MAX_REACH,
    MIN_DISTANCE,
    MIN_PITCH,
    MIN_REACH,
)
from valuescape.render.view.changes import Set
from valuescape.run.length import RunLength
from valuescape.run.origin import film_origin
from valuescape.run.outputs import Outputs
from valuescape.run.session import Session
from valuescape.sim.config.files import Config, changed
from valuescape.sim.errors import UsageError
from valuescape.sim.insight.place import ground_of
from valuescape.sim.plugins.failing import TROUBLE


class Aim(TypedDict, total=False):
    """Where a camera is to look; what is left out stays.

    yaw_deg, pitch_deg, distance: of the height field, as `render.yaw_deg` … center: the place of the map in
    the middle, in the units of its axes. zoom: of the flat map; 1 shows the whole of it.
    """

    yaw_deg: float
    pitch_deg: float
    distance: float
    center: tuple[float, float]
    zoom: float


class SteppedSession(Session):
    """A headless run without frames of its own; everything happens in the calls of its methods.

    It installs no signal handlers, prints nothing and writes no file by itself. `features.async_physics` is
    off: ticks are made when they are asked for. folder: where files without a folder of their own would go.
    """

    def __init__(self, config: Config, folder: Path) -> None:
        """Start everything. Raises UsageError if the configuration cannot be run here."""
        stepped = changed(config, {"features.async_physics": False})
        super().__init__(stepped, RunLength(), Outputs(folder), headless=True)
        self.pace.go_to(0)
        self._take_over(0, waits=True)

    def __exit__(self, *error: object) -> None:
        """Free everything; garbage collection stays as it is, for no object was taken out of it."""
        self._owned.close()
        if TROUBLE.tell == self._tell:
            TROUBLE.begin(stop=True, tell=_silent)

    @property
    def tick(self) -> int:
        """The newest tick."""
        return self.engine.newest_tick

    def advance(self, ticks: int) -> None:
        """Make so many ticks, and take them over into trails and maps."""
        end = self.tick + ticks
        most = self.config.workers.max_lead  # rows of ticks that the arena keeps for sure
        while self.tick < end:
            self._turn_engines()
            self.pace.go_to(min(self.tick + most, end))
            asked = self.plugins.step(self.tick)
            self._take_over(self.tick, waits=True)
            self._carry_out(asked, ())
        self._require_sound()

    def change(self, name: str, value: Any) -> None:
        """Give a live setting another value, at once. Raises UsageError if it cannot have it."""
        why_not = self.controls.apply(Set(name, value))
        if why_not:
            message, _, hint = why_not.partition("\n  ")
            raise UsageError(message, hint)
        self._turn_engines()
        self._take_over(self.tick, waits=True)

    def aim(self, **aim: Unpack[Aim]) -> None:
        """Point the cameras, at once. Raises UsageError for what is out of bounds."""
        viewer = self.viewer
        flat, orbit = viewer.map_goal, viewer.orbit_goal
        if center := aim.get("center"):
            x, y = ground_of(center, viewer.bounds)
            flat, orbit = flat.centered(x, y), orbit.centered(x, y)
        if "zoom" in aim:
            flat = replace(flat, reach=1 / _within("zoom", aim["zoom"], 1 / MAX_REACH, 1 / MIN_REACH))
        if "yaw_deg" in aim:
            orbit = replace(orbit, yaw=math.radians(_within("yaw_deg", aim["yaw_deg"], -1e6, 1e6)))
        if "pitch_deg" in aim:
            low, high = math.degrees(MIN_PITCH), math.degrees(MAX_PITCH)
            orbit = replace(orbit, pitch=math.radians(_within("pitch_deg", aim["pitch_deg"], low, high)))
        if "distance" in aim:
            orbit = replace(orbit, distance=_within("distance", aim["distance"], MIN_DISTANCE, MAX_DISTANCE))
        viewer.map_goal = viewer.map_camera = flat
        viewer.orbit_goal = viewer.orbit_camera = orbit

    def draw(self, size_px: tuple[int, int], *, complete: bool = True) -> NDArray[np.uint8]:
        """Draw the picture; return it as [height, width, 3] uint8, top row first: a new array.

        size_px: width and height, for this picture and those that follow. complete: wait for the maps that
        it shows; otherwise they show what is computed so far. Cameras are where they were sent.
        """
        self._settle_view(size_px)
        self._paint_now(complete=complete)
        picture = self.scene.picture
        return pixels(picture_bytes(picture), picture.size).copy()

    def save(self, path: Path, size_px: tuple[int, int]) -> Path:
        """Write the picture as a PNG that says how it was made; return its path. size_px: as for `draw`."""
        self._settle_view(size_px)
        self._paint_now(complete=True)
        return self.screenshot(path)

    def film(self, path: Path, frames: int, fps: int) -> None:
        """Make so many frames of a video, the next `frames / fps` seconds; the view turns as it is set to.

        A picture in the video shows the ticks that are due at `sim.ticks_per_s`. What was made is a complete
        video, too, if an exception ends it; its metadata say what it shows. Raises UsageError if the file
        cannot be written.
        """
        first = self.tick
        due = float(first)
        with VideoRecorder(path, self.display.size_px, fps) as recorder:
            try:
                for _ in range(frames):
                    due += (self.pace.ticks_per_s or fps) / fps
                    self.advance(int(due) - self.tick)
                    self.viewer.advance(1 / fps)
                    self._paint_now(complete=False)
                    recorder.add(picture_bytes(self.scene.picture))
            finally:
                origin = film_origin(self.stage, self.pace, self.viewer, (first, self.tick), fps)
                recorder.comment = as_text(origin) if origin else ""

    def _settle_view(self, size_px: tuple[int, int]) -> None:
        """Take a size, and let the view come to where it goes."""
        self.display.resize(size_px)
        viewer = self.viewer
        viewer.lift = 0.0 if viewer.flat else 1.0
        viewer.map_camera, viewer.orbit_camera = viewer.map_goal, viewer.orbit_goal

    def _paint_now(self, *, complete: bool) -> None:
        """Draw, with texts and numbers of this tick. complete: wait for maps."""
        self._take_over(self.tick, waits=True, last=True)
        if complete:
            self.stage.maps.finish(self.scene, self.viewer.shown, lambda: True)
        self.ledger.stats.forget("episodes", "critic", "captions")
        self._look()
        self._draw()


def _silent(_: str) -> None:
    """Say nothing: there is no run whose picture it would be in."""


def _within(name: str, value: float, low: float, high: float) -> float:
    """Return a number. Raises UsageError if it is none, or not from `low` to `high`."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not low <= number <= high:
        raise UsageError(f"{name} = {value!r}: expected {low:.4g} to {high:.4g}")
    return number
