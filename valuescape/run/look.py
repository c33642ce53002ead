"""A look at a run: makes its state out of stage, view, pace, ledger and alerts."""

from typing import NamedTuple

from valuescape.costs.ledger import Ledger
from valuescape.render.view.viewer import Viewer
from valuescape.run.live_settings import current_values
from valuescape.run.pace import Pace
from valuescape.run.stage import Stage
from valuescape.run_state import FindingList, LiveSettings, Noticed, RunState


class RunKind(NamedTuple):
    """The kind of a run: without a window, with a video; and whether Ctrl-C or SIGTERM ended it."""

    headless: bool
    recorded: bool
    interrupted: bool


def look_at(
    stage: Stage,
    viewer: Viewer,
    pace: Pace,
    ledger: Ledger,
    noticed: Noticed,
    kind: RunKind,
    findings: FindingList,
) -> RunState:
    """Return the state of a run at this moment. Made with every frame: it only reads attributes."""
    engine, scene = stage.engine, stage.scene
    trails = scene.trails
    return RunState(
        settings=live_settings(stage, viewer, pace),
        live=current_values(stage, pace),
        world=engine.world,
        checkpoint=stage.checkpoint,
        plane=scene.plane,
        sliceable=stage.landscape is not None and viewer.selected is None,
        tick=trails.ring.newest,
        workers=engine.workers,
        restarts=engine.restarts,
        budget=trails.budget,
        individuals=trails.individuals.count,
        thinned=trails.thinned,
        segments_left_out=ledger.segments_left_out,
        paused=pace.paused,
        lockstep=pace.lockstep,
        recorded=kind.recorded,
        headless=kind.headless,
        blind=viewer.blind,
        help_seen=viewer.help_seen,
        interrupted=kind.interrupted,
        driver=stage.driver,
        log=ledger.log,
        busy_ms=tuple(ledger.busy_ms),
        counters=ledger.counters,
        start_s=ledger.start_s,
        noticed=noticed,
        figures=ledger,
        computing=stage.maps.doing,
        findings=findings,
        place=stage.place,
        changing=stage.wishes.under_way,
        nodes=engine.nodes,
    )


def live_settings(stage: Stage, viewer: Viewer, pace: Pace) -> LiveSettings:
    """Return all that a person can change, as it is now."""
    budget = stage.scene.trails.budget
    return LiveSettings(
        looks=viewer.looks,
        layer=viewer.layer,
        color_by=viewer.trail_color,
        flat=viewer.flat,
        text=viewer.labels_shown,
        help=viewer.help_shown,
        profile=viewer.profile_shown,
        selection=viewer.selected is not None,
        box=viewer.box is not None,
        ticks_per_s=pace.ticks_per_s,
        segments=-1 if budget.follows else budget.segments,
        picture=stage.scene.picture.size,
        config=stage.config,
    )
