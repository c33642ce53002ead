"""Side B of an A/B run: its stage, its statistics, and its view, which mirrors that of side A."""

from copy import copy

from valuescape.costs.ledger import Ledger
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.layers.density import DENSITY
from valuescape.render.view.viewer import Viewer
from valuescape.run.inspection import Inspection
from valuescape.run.look import RunKind, look_at
from valuescape.run.pace import Pace
from valuescape.run.stage import Stage
from valuescape.run_state import Noticed, RunState


class OtherSide:
    """Everything of side B beside its place in the picture.

    stage: owned from now on. viewer: what `mirror` makes of side A's; the way from the selected place and the
    cross at the pointer are of this side's own map.
    """

    viewer: Viewer

    def __init__(self, stage: Stage) -> None:
        self.stage, self.inspection = stage, Inspection(stage)
        self._revision = -1

    def measure(self, meter: FrameMeter, *, lockstep: bool) -> None:
        """Begin to measure this side, as a `Ledger` does."""
        self.ledger = Ledger(self.stage, meter, lockstep=lockstep, sides=2)

    def mirror(self, viewer: Viewer) -> None:
        """Look as `viewer` does from now on, with what this side has: maps, colourings, agents.

        Places are the same share of the map's width and height, whatever the axes are.
        """
        before = getattr(self, "viewer", viewer)
        now, stage = copy(viewer), self.stage
        now.path, now.cross, now.bounds = before.path, before.cross, stage.scene.plane.bounds
        now.point_at(viewer.cell)
        if now.place != before.place:
            now.path = None
        if now.trail_color not in stage.trail_colors:
            now.trail_color = "age"
        if now.layer not in stage.layers:
            now.layer = DENSITY.name
        if now.selected is not None and now.selected >= stage.config.agents.count:
            now.selected, now.following = None, False
        self.viewer = now

    def take_over(self, tick: int, viewer: Viewer, *, waits: bool, last: bool) -> bool:
        """Bring trails, maps and the selection up to a tick; return whether colour scales may have moved.

        viewer: of side A. waits, last: as for `Session`.
        """
        self.mirror(viewer)
        stage, scene = self.stage, self.stage.scene
        ticks = stage.take_ticks(tick, self.viewer.trail_color)
        self.inspection.update(self.viewer, ticks, waits=waits)
        stage.maps.update(scene, self.viewer.shown, ticks, waits=waits, last=last)
        moved, self._revision = scene.revision != self._revision, scene.revision
        return moved

    def state(self, pace: Pace, kind: RunKind) -> RunState:
        """Return the state of this side at this moment; alerts are side A's."""
        found = self.inspection.findings.listed(self.viewer)
        return look_at(self.stage, self.viewer, pace, self.ledger, Noticed(), kind, found)

    def release(self) -> None:
        """End the workers and free everything, but the inspection, which is released with side A's."""
        self.stage.release()
