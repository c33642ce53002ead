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

    started: the configuration that the session started with, which marks compare with. undo, redo, changed:
    what can be undone and done again, and what a reset would change, in words; "" for nothing. saved: files
    that were saved as presets.
    """

    started: Config
    undo: str = ""
    redo: str = ""
    changed: str = ""
    saved: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of a run at one frame.

    config: that is in force, but for what the view or the run itself holds. past: of its settings. live: the
    current values of the settings that are declared as `Live.RUN`, by name. workers: processes, whatever
    `workers.count` says. limits: name, measured value, limit, and whether it is kept (None: too early to
    tell). busy_ms: times of the last frames. may_take_ms: what a frame may take. sliced: whether there is a
    landscape whose slice the panel may move. findings: kind and words of each; None as long as none are
    looked for. finding: index of the one that is selected. place: of the checkpoint asked for last, in its
    training run; None without a folder of one. sections: those that plug-ins describe. presets: those that
    one can go over to, with what is said of each.
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
