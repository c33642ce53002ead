"""Trail colourings of plug-ins, as signals."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, TypeVar

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
from valuescape.sim.plugins.declarations import Declaration, Kind
from valuescape.sim.plugins.failing import TROUBLE
from valuescape.sim.plugins.registry import declare


@dataclass(frozen=True, slots=True)
class Coloring:
    """What a trail colouring says beside its function; see `valuescape.api.trail_coloring`."""

    scale: SignalScale
    needs: Needs
    of_step: bool
    discount_later: Callable[[float], float] | None
    meaning: str


F = TypeVar("F", bound=Callable[[SignalTick], Any])


def trail_coloring(
    scale: SignalScale,
    *,
    critic: Literal["", "value", "discount"] = "",
    of_step: bool = False,
    discount_later: Callable[[float], float] | None = None,
    meaning: str = "",
    name: str = "",
    needs: Iterable[str] | str = (),
) -> Callable[[F], F]:
    """Declare what a trail's colour may say; `trails.color_by` names it.

    The function takes a `SignalTick` and returns a number for each agent, [n]; NaN is drawn as unknown. It is
    called once for each tick that a frame takes over, in their order, and must be a function of what it is
    given: a picture that is made again asks anew.

    scale: title and ends of the colour bar. critic: "value" if it reads the critic's values, "discount" if it
    needs its discount too, as TD errors do. of_step: the number is one of the step that led to the tick, so
    it is unknown where an agent has just started. discount_later: returns, of the critic's gamma, the weight
    per tick with which the numbers of later ticks of the episode are added to this one's. meaning: the line
    under the picture. Raises UsageError for a name that is taken.
    """
    wanted = {"": Needs.NOTHING, "value": Needs.CRITIC, "discount": Needs.DISCOUNT}
    if not isinstance(scale, SignalScale) or critic not in wanted:
        raise UsageError(
            f"a trail colouring is given the scale {scale!r} and critic={critic!r}",
            'expected trail_coloring(SignalScale("a title"), critic="value")',
        )
    said = Coloring(scale, wanted[critic], of_step, discount_later, meaning)
    if discount_later is not None and said.needs is not Needs.DISCOUNT:
        raise UsageError(
            "a trail colouring with discount_later reads the discount", 'give it critic="discount"'
        )

    def declared(function: F) -> F:
        declare(Kind.COLORING, name or function.__name__, function, needs, said)
        return function

    return declared


@lru_cache(256)
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
