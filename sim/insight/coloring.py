"""Trail colourings of plug-ins, as signals."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.errors import UsageError
from valuescape.sim.insight.signals import (
    Critic,
    Needs,
    Signal,
    SignalScale,
    SignalTick,
    TickGoneError,
)
from valuescape.sim.plugins.declarations import Declaration
from valuescape.sim.plugins.failing import TROUBLE


@dataclass(frozen=True, slots=True)
class Coloring:
    """What a trail colouring says beside its function; see `valuescape.api.trail_coloring`."""

    scale: SignalScale
    needs: Needs
    of_step: bool
    discount_later: Callable[[float], float] | None
    meaning: str


@cache
def signal_of(declared: Declaration) -> Signal:
    """Return the signal of a declared trail colouring."""
    said: Coloring = declared.options
    later = said.discount_later

    def decay(critic: Critic) -> float:
        assert later is not None
        return float(later(critic.gamma or 0.0))

    return Signal(
        declared.name,
        lambda at: _numbers(declared, at),
        lambda _world, _critic: said.scale,
        said.needs,
        said.of_step,
        decay if later else None,
        said.meaning,
    )


def _numbers(declared: Declaration, at: SignalTick) -> NDArray[Any]:
    """Return what the plug-in says of a tick; all unknown if it has failed and is switched off."""
    if TROUBLE.is_off(declared):
        raise TickGoneError(declared.name)
    try:
        return _checked(declared.function(at), at.agents)
    except TickGoneError:
        raise
    except Exception as error:
        TROUBLE.failed(declared, at.tick, error)
        raise TickGoneError(declared.name) from error


def _checked(found: Any, agents: int) -> NDArray[Any]:
    """Return the numbers as float32 [agents]. Raises UsageError for anything else."""
    numbers = np.asarray(found)
    if numbers.shape != (agents,) or numbers.dtype.kind not in "fiub":
        what = f"an array {list(numbers.shape)} of {numbers.dtype}"
        raise UsageError(f"it returned {what}, expected {agents} numbers, one for each agent")
    return numbers.astype(np.float32, copy=False)
