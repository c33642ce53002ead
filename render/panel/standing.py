"""The state of a run as the panel shows it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from valuescape.sim.config.model import Config
from valuescape.sim.insight.plane import MapPlane
from valuescape.sim.plugins.widgets import Section
from valuescape.sim.policy.training_files import Place


class Past(NamedTuple):
    """The past of a run's settings.

    started: the configuration that marks compare with: of the run's start, or of the file or preset that was
    taken over last. undo, redo, changed: what can be undone and done again, and what a reset would change, in
    words; "" for nothing. saved: files that were saved as presets.
    """

    started: Config
    undo: str = ""
    redo: str = ""
    changed: str = ""
    saved: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of a run at one frame.

    config: the configuration in force, in which live settings may have older values. past: of its settings.
    live: the current values of the settings that are declared as `Live.RUN`, by name. workers: the number of
    processes, also if `workers.count` is "auto". limits: name, measured value, limit, and whether it is kept
    (None: too early to tell). busy_ms: times of the last frames. may_take_ms: the time that a frame may take.
    sliced: whether there is a landscape whose slice the panel may move. findings: kind and words of each;
    None if none are looked for. finding: index of the selected one. place: of the checkpoint asked for last,
    in its training run; None without a folder of one. watching: whether the newest checkpoint of a
    training run that goes on is shown; None if none is followed. sections: those that plug-ins describe.
    presets: names that the run can go over to, with a description of each.
    """

    config: Config
    past: Past
    worlds: Sequence[str]
    plane: MapPlane
    paused: bool
    live: Mapping[str, Any]
    workers: int
    limits: Sequence[tuple[str, float, float, bool | None]]
    busy_ms: Sequence[float]
    may_take_ms: float
    sliced: bool
    findings: Sequence[tuple[str, str]] | None = None
    finding: int | None = None
    place: Place | None = None
    presets: Mapping[str, str] = field(default_factory=dict)
    sections: Sequence[Section] = ()
    watching: bool | None = None
