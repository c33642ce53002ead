"""Options that belong together: a command takes one value that is made of several options."""

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar, get_type_hints

_R = TypeVar("_R")


def bundled(**made: Callable[..., Any]) -> Callable[[Callable[..., _R]], Callable[..., _R]]:
    """Return a decorator that gives a command options in the place of some of its parameters.

    made: by the name of each such parameter, the function whose parameters are the options, and which makes
    its value of what typer read.
    """

    def decorated(command: Callable[..., _R]) -> Callable[..., _R]:
        own = inspect.signature(command).parameters
        options = {name: inspect.signature(make).parameters for name, make in made.items()}
        listed = [each for name in own for each in (options[name].values() if name in made else (own[name],))]

        @functools.wraps(command)
        def taking(**given: Any) -> _R:
            values = {
                name: make(**{option: given.pop(option, None) for option in options[name]})
                for name, make in made.items()
            }
            return command(**given, **values)

        taking.__signature__ = inspect.Signature(listed)  # type: ignore[attr-defined]  # which typer reads
        taking.__annotations__ = get_type_hints(command, include_extras=True)
        for make in made.values():
            taking.__annotations__ |= get_type_hints(make, include_extras=True)
        for name in (*made, "return"):
            taking.__annotations__.pop(name, None)
        return taking

    return decorated
