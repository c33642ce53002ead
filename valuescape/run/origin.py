"""The origin of what a run writes: the provenance of its pictures, figures and videos."""

import hashlib
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
from pydantic import ValidationError

from valuescape import remarks
from valuescape.parsing import first_complaint
from valuescape.provenance.bits import as_bits
from valuescape.provenance.contents import (
    Canvas,
    FigureMade,
    FilmMade,
    Made,
    Moment,
    PictureMade,
    Provenance,
    Said,
    SavedCard,
    SavedTrails,
    VideoMade,
)
from valuescape.provenance.origin import provenance
from valuescape.provenance.view import SavedView
from valuescape.recordings.changes import settings_changed
from valuescape.recordings.contents import RecordedChange
from valuescape.recordings.means import divided
from valuescape.render.overlay.cards import Card
from valuescape.render.overlay.labels import Annotations, Heading
from valuescape.render.scene.scene import Scene
from valuescape.render.view.viewer import Viewer
from valuescape.run.applying import live_values
from valuescape.run.export import truth_of
from valuescape.run.length import RunLength
from valuescape.run.live_settings import OF_ENGINE
from valuescape.run.look import RunKind
from valuescape.run.pace import Pace
from valuescape.run.stage import Stage
from valuescape.run.touches import Touches
from valuescape.sim.config.insight_section import InsightConfig
from valuescape.sim.config.model import settings_of
from valuescape.sim.errors import UsageError


def picture_origin(stage: Stage, pace: Pace, viewer: Viewer, said: Annotations) -> Provenance | None:
    """Return how the picture came about that `Scene.draw_afresh` drew last; a GPU query.

    None, with a remark, if a number is too great to be told, as those of a critic that diverged may be.
    said: its texts.
    """
    return _told(stage, "picture", lambda: _picture(stage, pace, viewer, said))


def _picture(stage: Stage, pace: Pace, viewer: Viewer, said: Annotations) -> PictureMade:
    state = stage.scene.state
    trails = asdict(state.trails)
    return PictureMade(
        moment=moment_of(stage),
        canvas=_canvas(stage, stage.scene.picture.size),
        view=SavedView.of(viewer),
        live=live_changes(stage, pace, viewer),
        ends=dict(state.ends),
        trails=SavedTrails(**trails),
        highlighted=_highlighted(stage, viewer),
        said=_said(said),
        computing=stage.maps.doing,
    )


def _highlighted(stage: Stage, viewer: Viewer) -> str | None:
    """Return the agents that a box has met, as bits; those that it met depend on which ticks were seen."""
    individuals = stage.scene.trails.individuals
    if viewer.box is None or viewer.selected is not None:
        return None
    met = np.zeros(individuals.agents, np.bool_)
    met[individuals.highlighted] = True
    return as_bits(met)


def figure_origin(stage: Stage) -> Provenance | None:
    """Return how a figure of the tick that the stage rests at comes about; a GPU query.

    None, with a remark, as of a picture.
    """
    return _told(stage, "figure", lambda: _figure(stage))


def _figure(stage: Stage) -> FigureMade:
    look = truth_of(stage)
    return FigureMade(
        moment=moment_of(stage),
        truth=look is not None,
        live=_insight_changes(stage, look.request.insight) if look else {},
        computing=look.doing if look else "",
    )


def _insight_changes(stage: Stage, insight: InsightConfig) -> dict[str, Any]:
    """Return the settings of `insight` that are not as in the configuration, by name."""
    before = stage.config.insight.model_dump()
    return {f"insight.{key}": value for key, value in insight.model_dump().items() if value != before[key]}


def video_origin(
    stage: Stage, size_px: tuple[int, int], length: RunLength, kind: RunKind, touches: Touches
) -> Provenance:
    """Return how the video of a run comes about. touches: so far."""
    made = VideoMade(
        canvas=_canvas(stage, size_px),
        ticks=length.ticks,
        workers=stage.engine.workers,
        headless=kind.headless,
        changed=touches.names,
        computing=touches.computing,
    )
    return _provenance(stage, made)


def film_origin(
    stage: Stage, pace: Pace, viewer: Viewer, ticks: tuple[int, int], fps: int
) -> Provenance | None:
    """Return how a video of some ticks, first and last, comes about that a session was asked for.

    None, with a remark, as of a picture.
    """
    return _told(
        stage,
        "video",
        lambda: FilmMade(
            canvas=_canvas(stage, stage.scene.picture.size),
            first=ticks[0],
            last=ticks[1],
            fps=fps,
            live=live_changes(stage, pace, viewer),
            changes=_changes(stage),
        ),
    )


def moment_of(stage: Stage) -> Moment:
    """Return the tick that a stage shows, and what it saw of those before; a GPU query."""
    ring = stage.scene.trails.ring
    return Moment(
        tick=ring.newest,
        plane=[float(value) for value in stage.scene.plane.values],
        missed=[(each.start, each.stop) for each in ring.missed],
        all_missed=ring.all_missed_known,
        untold=ring.untold,
        unsigned=ring.unsigned,
        agents_seen=stage.maps.agents_seen,
        places=places_of(stage.scene),
        changes=_changes(stage),
    )


def _changes(stage: Stage) -> list[RecordedChange]:
    """Return the changes of the engine that have taken effect, oldest first.

    Raises UsageError if there were more than the engine keeps.
    """
    made, count = stage.engine.changes, stage.engine.changes_made
    if count > len(made):
        raise UsageError(f"of {count:,} changes of the run the newest {len(made):,} are kept")
    configs = [stage.started[0], *(each.config for each in made)]
    return [
        RecordedChange(tick=each.tick, settings=settings_changed(before, each.config))
        for before, each in zip(configs[:-1], made, strict=True)
    ]


def places_of(scene: Scene) -> str | None:
    """Return the SHA-256 of where agents are at the tick that is shown; None before the first; a query."""
    positions = scene.trails.read_places()
    return None if positions is None else hashlib.sha256(positions.tobytes()).hexdigest()


_ELSEWHERE = OF_ENGINE | {"heatmap.slice"}


def live_changes(stage: Stage, pace: Pace, viewer: Viewer) -> dict[str, Any]:
    """Return the live settings that are not as in the configuration, by name, with their values now.

    Without `heatmap.slice`: a moment has its numbers, which a selected agent may take out of the window. And
    without those that the engine is about to take over: the picture is of the configuration that it has.
    """
    declared = settings_of(type(stage.config))
    now = sorted(live_values(stage, pace, viewer).items())
    return {
        name: value
        for name, value in now
        if name not in _ELSEWHERE and value != declared[name].value_in(stage.config)
    }


def annotations_of(said: Said) -> Annotations:
    """Return the texts of a picture as a scene draws them."""
    heading = Heading(tuple(said.left), tuple(said.right))
    return Annotations(heading, tuple(_card(each) for each in said.cards), said.notice)


def _card(saved: SavedCard) -> Card:
    return Card(
        title=saved.title,
        rows=tuple(saved.rows),
        values=tuple(saved.values),
        mark=saved.mark,
        parts=tuple(saved.parts),
        lamps=tuple(saved.lamps),
        note=saved.note,
    )


def _said(said: Annotations) -> Said:
    cards = [
        SavedCard(
            title=each.title,
            rows=list(each.rows),
            values=list(each.values),
            mark=each.mark,
            parts=list(each.parts),
            lamps=list(each.lamps),
            note=each.note,
        )
        for each in said.cards
    ]
    return Said(left=list(said.heading.left), right=list(said.heading.right), cards=cards, notice=said.notice)


def _canvas(stage: Stage, size_px: tuple[int, int]) -> Canvas:
    width, height = size_px
    return Canvas(width=width, height=height, pixel_scale=stage.pixel_scale)


def _told(stage: Stage, what: str, make: Callable[[], Made]) -> Provenance | None:
    try:
        return _provenance(stage, make())
    except (ValidationError, UsageError) as error:
        said = first_complaint(error) if isinstance(error, ValidationError) else str(error)
        remarks.tell([f"the {what} does not say how it was made, so it cannot be made again: {said}"])
        return None


def _provenance(stage: Stage, made: Made) -> Provenance:
    driver = f"{stage.driver.renderer}, {stage.driver.version}"
    config, checkpoint = stage.started
    return provenance(made, divided(config, stage.engine), checkpoint, stage.subject.other, driver)
