"""What a panel shows of a run, and what a person may change with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from valuescape.render.view.viewer import Request
from valuescape.sim.config.files import Config
from valuescape.sim.insight.plane import MapPlane


@dataclass(frozen=True, slots=True)
class Set:
    """Give the setting `section.key` another value while the run goes on."""

    name: str
    value: Any


@dataclass(frozen=True, slots=True)
class Restart:
    """Begin the run anew with these settings changed (`section.key`: value)."""

    changes: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Slice:
    """Show the landscape where the state variables have these values."""

    values: tuple[float, ...]


Change = Set | Restart | Slice | Request


@dataclass(frozen=True, slots=True)
class Standing:
    """How a run stands, for the panel to show.

    limits: name, measured, limit, and whether it is kept (None: too early to tell). busy_ms: of the last
    frames. sliced: whether there is a landscape to slice, and nobody else who slices it.
    """

    config: Config
    worlds: Sequence[str]
    plane: MapPlane
    paused: bool
    ticks_per_s: float
    workers: int
    segment_budget: int
    limits: Sequence[tuple[str, float, float, bool | None]]
    busy_ms: Sequence[float]
    may_take_ms: float
    sliced: bool
