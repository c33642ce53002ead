"""The state of a run at one moment, a frozen value for everything that shows, judges or reports a run.

A session makes one per look. Plain fields are values; `figures` computes what takes time, when it is asked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from valuescape.gpu.context import DriverInfo
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.render.overlay.curves import Curve
from valuescape.render.scene.budget import Budget
from valuescape.render.scene.trails import Thinned
from valuescape.render.view.looks import Looks
from valuescape.sim.config.files import Config
from valuescape.sim.engine import EpisodeStats
from valuescape.sim.insight.crowd import CrowdNumbers
from valuescape.sim.insight.plane import MapPlane
from valuescape.sim.measuring.health import Limit, RunLog
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.policy.training_files import Place
from valuescape.sim.worlds import World

_RATE_FRAMES = 30
"""Frames over which the frame rate in the heading is averaged."""


@dataclass(frozen=True, slots=True)
class Part:
    """The share of a frame that one section takes, ms."""

    name: str
    ms: float


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that was noticed during a run; at_s: seconds after its first frame."""

    at_s: float
    said: str


@dataclass(frozen=True, slots=True)
class Noticed:
    """The state of a run's alerts at one moment.

    heard: all alerts since the start. notes: sentences about what makes frames slow. lamp: what is wrong in a
    word or two, "" while all is well. lamps: each alarm and whether it is silent; None before the first look.
    """

    heard: tuple[Alert, ...] = ()
    notes: tuple[str, ...] = ()
    lamp: str = ""
    lamps: tuple[tuple[str, bool | None], ...] = ()


class FindingList(NamedTuple):
    """The findings of a run.

    asked: whether they are looked for. said: kind and words of each. at: index of the one that is selected.
    """

    asked: bool = False
    said: tuple[tuple[str, str], ...] = ()
    at: int | None = None


NOT_LOOKED_FOR = FindingList()


@dataclass(frozen=True, slots=True)
class Training:
    """A training run that is followed while it goes on.

    name: of the run. alive: whether updates may still come. watching: whether the newest checkpoint is shown,
    and not an earlier one that a person chose. newest: its steps. numbers: of the checkpoint that acts, as
    rows of a card. curves: of all so far. note: why there are no numbers; "" if there are.
    """

    name: str
    alive: bool
    watching: bool
    newest: int
    numbers: tuple[tuple[str, str], ...] = ()
    curves: tuple[Curve, ...] = ()
    note: str = ""


class LiveSettings(NamedTuple):
    """All that a person can change while a run goes on.

    segments: the budget of trail segments; -1 follows the frame time. picture: its size, pixels. The names
    appear in sentences about what made frames slower.
    """

    looks: Looks
    layer: str
    color_by: str
    flat: bool
    text: bool
    help: bool
    profile: bool
    selection: bool
    box: bool
    ticks_per_s: float
    segments: int
    picture: tuple[int, int]
    config: Config


class Figures(Protocol):
    """Figures of a run that take time to compute; most are kept for as long as `stats` allows."""

    @property
    def hit_rate(self) -> float:
        """Share of the looks at statistics that computed nothing; NaN before the first."""

    def episodes(self) -> EpisodeStats:
        """Return the totals of finished episodes."""

    def critic(self) -> CrowdNumbers | None:
        """Return numbers about the critic from the agents' own episodes; None before the first."""

    def parts(self) -> list[Part]:
        """Return what frames are made of, the longest part first; empty before the first exact frame."""

    def limits(self) -> list[Limit]:
        """Return the health limits and how the run stands to them."""

    def worker_loads(self) -> list[float]:
        """Return the share of the last two seconds that each worker spent making ticks, 0 to 1."""

    def processes(self) -> dict[str, Any]:
        """Return CPU seconds and memory of every process, by its title."""


@dataclass(frozen=True, slots=True)
class RunState:
    """A run at one moment. Making one costs about 10 us, so that every frame may have its own.

    live: the current values of the settings that the run itself holds (`Live.RUN`), by name.

    tick: the newest one shown; -1 before the first. checkpoint: None without a trained policy. plane: the
    states that the map shows. sliceable: whether the plane can be moved, and no selected agent moves it.

    individuals: agents with a trail of their own; thinned: what of the other trails is left out, None if
    nothing is. segments_left_out: trail segments that exist and are not drawn.

    lockstep: ticks wait for frames. recorded: a video is made. blind: nothing is drawn. interrupted: Ctrl-C
    or SIGTERM ended the run.

    log: grows while the run goes on, unlike everything else here. busy_ms: of the last frames, the newest
    last. counters: of the last frame. start_s: from the start of the process to the first frame, seconds.
    computing: the maps that are being computed, and how far they are; "" if none is. findings: places and
    agents that are worth a look. place: of the checkpoint in its training run; None without a folder of one.
    changing: the settings that are about to change, with their values before and after; "" if none is.
    training: the training run that is followed; None without one. nodes: that step the agents; 0: this
    machine does.
    """

    settings: LiveSettings
    live: Mapping[str, Any]
    world: World
    checkpoint: Checkpoint | None
    plane: MapPlane
    sliceable: bool
    tick: int
    workers: int
    restarts: int
    budget: Budget
    individuals: int
    thinned: Thinned | None
    segments_left_out: int
    paused: bool
    lockstep: bool
    recorded: bool
    headless: bool
    blind: bool
    help_seen: bool
    interrupted: bool
    driver: DriverInfo
    log: RunLog
    busy_ms: tuple[float, ...]
    counters: FrameMeter
    start_s: float
    noticed: Noticed
    figures: Figures
    computing: str = ""
    findings: FindingList = NOT_LOOKED_FOR
    place: Place | None = None
    changing: str = ""
    training: Training | None = None
    nodes: int = 0

    @property
    def config(self) -> Config:
        """The configuration that is in force, but for settings that the view or the run itself holds."""
        return self.settings.config

    @property
    def may_take_ms(self) -> float:
        """The time that a frame has at the frame rate asked for, ms."""
        return frame_budget_ms(self.config)

    @property
    def recent_fps(self) -> float:
        """Frames a second over the last thirty; 0 before the second."""
        return recent_fps(self.log)

    @property
    def segments(self) -> int:
        """Trail segments drawn when they were counted last."""
        return self.log.segments[-1] if self.log.segments else 0

    @property
    def ticks_per_frame(self) -> float:
        """Ticks that a frame has taken over on average, at least one."""
        first, last, frames = self.log.first_tick, self.log.last_tick, len(self.log.frame_ends)
        if first is None or last is None or frames < 2:
            return 1.0
        return max((last[1] - first[1]) / (frames - 1), 1.0)


def frame_budget_ms(config: Config) -> float:
    """Return the time that a frame has at the frame rate asked for, ms; of 60 frames a second without one."""
    return 1000 / (config.render.max_fps or 60)


def recent_fps(log: RunLog) -> float:
    """Return frames a second over the last thirty; 0 before the second."""
    ends = log.frame_ends[-_RATE_FRAMES:]
    return (len(ends) - 1) / (ends[-1] - ends[0]) if len(ends) > 1 else 0.0
