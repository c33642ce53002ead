"""The full form of functions that may leave out parameters and draws."""

import inspect
from collections.abc import Callable
from functools import lru_cache
from typing import Any

Code = Callable[..., Any]

DYNAMICS, STEP = 2, 5
"""How many arguments every world's `dynamics` and `step` take; parameters and draws may follow."""


def arguments_of(function: Code) -> int:
    """Return how many positional arguments `function` takes, those with defaults included; 99 for `*any`."""
    kinds = [each.kind for each in inspect.signature(function).parameters.values()]
    if inspect.Parameter.VAR_POSITIONAL in kinds:
        return 99
    return kinds.count(inspect.Parameter.POSITIONAL_ONLY) + kinds.count(
        inspect.Parameter.POSITIONAL_OR_KEYWORD
    )


@lru_cache(256)
def full_form(dynamics: Code) -> Code:
    """Return `dynamics` as a function of (state, action, parameters, draws).

    The result is the function itself, or one that leaves out what it does not take. The compiler inlines it.
    """

    def without_draws(state: Any, action: Any, parameters: Any, draws: Any) -> Any:
        return dynamics(state, action, parameters)

    def without_parameters(state: Any, action: Any, parameters: Any, draws: Any) -> Any:
        return dynamics(state, action)

    return {DYNAMICS: without_parameters, DYNAMICS + 1: without_draws}.get(arguments_of(dynamics), dynamics)
