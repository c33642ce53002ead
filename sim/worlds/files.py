"""Worlds of the user's own: Python files that run only because the user names them."""

import inspect
from pathlib import Path
from types import ModuleType
from typing import cast

from valuescape.sim.errors import UsageError
from valuescape.sim.plugins.declarations import Kind
from valuescape.sim.plugins.loading import Source, gather_with, load_file
from valuescape.sim.plugins.registry import PLUGINS
from valuescape.sim.plugins.running import place_of
from valuescape.sim.worlds.base import (
    ArrayWorld,
    ContinuousAction,
    DiscreteAction,
    ElementwiseWorld,
    Variable,
    World,
)
from valuescape.sim.worlds.parameters import Parameter
from valuescape.sim.worlds.registry import file_of, register
from valuescape.sim.worlds.signatures import DYNAMICS, STEP, arguments_of
from valuescape.sim.worlds.trial import TrialError, UnfitError, try_world

_GUIDE = "docs/worlds.md has an example"


def load_world_file(path: Path | str) -> tuple[type[World], ...]:
    """Run the Python file at `path`, register the worlds that it defines, and return their classes.

    A file may also, or only, register environments with Gymnasium or declare plug-ins: this loads it as
    `load_file` does for `--plugin`. A file that was loaded before is not run again. Worker processes that
    start later run it, too. Raises UsageError if the file is missing, fails or declares nothing; if a world
    lacks something or fails a trial of a few agents in NumPy; or if its name is taken.
    """
    declared = load_file(path, "--world-file").declared
    return tuple(cast(type[World], each.function) for each in declared if each.kind is Kind.WORLD)


def _gather(module: ModuleType, source: Source) -> None:
    """Check, register and declare the worlds that a module defines."""
    where = source.where
    known = {each.function for each in PLUGINS if each.kind is Kind.WORLD}
    worlds = [
        each for each in vars(module).values() if _is_world_of(each, module.__name__) and each not in known
    ]
    for world in worlds:
        check_world(world, f"{where}: class {world.__name__}")
    register(worlds, where)
    for world in worlds:
        PLUGINS.declare(Kind.WORLD, world.name, world)


gather_with(_gather)


def _is_world_of(value: object, module: str) -> bool:
    """Return whether a value is a world that a module, or one in it, defines; a base for others is none."""
    return (
        isinstance(value, type)
        and issubclass(value, World)
        and f"{value.__module__}.".startswith(f"{module}.")
        and not (inspect.isabstract(value) and not hasattr(value, "name"))
    )


def declare_world(world: type[World]) -> type[World]:
    """Check a class and make it known by its name, in workers too; return it.

    For scripts and notebooks: in files of `--plugin` and `--world-file` worlds are found without. Raises
    UsageError as `load_world_file`.
    """
    where = f"class {world.__name__}"
    check_world(world, where)
    PLUGINS.declare(Kind.WORLD, world.name, world)
    return world


def check_world(world: type[World], where: str) -> None:
    """Raise UsageError, beginning with `where`, if a class lacks an attribute or method of a world."""
    for name, (kind, expected) in _EXPECTED.items():
        if not hasattr(world, name):
            raise UsageError(f"{where}: has no {name}", f"expected {expected}; {_GUIDE}")
        value = getattr(world, name)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise UsageError(f"{where}: {name} = {value!r}", f"expected {expected}; {_GUIDE}")
    missing = sorted(world.__abstractmethods__)
    if missing:
        raise UsageError(f"{where}: has no method {missing[0]}", _GUIDE)
    _check_values(world, where)


_VARIABLES = "a tuple of Variable(name, unit, low, high)"
_PARAMETERS = (
    "a tuple of Parameter(name, unit, default, low, high), low <= default <= high, each with a name of its "
    "own of letters, digits and _"
)
_EXPECTED: dict[str, tuple[tuple[type, ...], str]] = {
    "name": ((str,), "the world's name, a text"),
    "state": ((tuple,), f"{_VARIABLES}, two or more"),
    "obs": ((tuple,), f"{_VARIABLES}; obs = state if agents see all of it"),
    "action": (
        (ContinuousAction, DiscreteAction),
        "ContinuousAction((Variable(…),)) or DiscreteAction((…,))",
    ),
    "step_s": ((float, int), "the seconds of a step, a number above 0"),
    "max_episode_steps": ((int,), "a whole number, at least 1"),
    "reset_draws": ((int,), "how many random numbers a start takes, a whole number"),
    "parameters": ((tuple,), _PARAMETERS),
    "step_draws": ((int,), "how many random numbers a step takes, a whole number"),
}


def _check_values(world: type[World], where: str) -> None:
    axes = world.map_axes
    fits = isinstance(axes, tuple) and len(axes) == 2 and all(0 <= axis < len(world.state) for axis in axes)
    wrong = {
        "name": not world.name or ":" in world.name,
        "state": len(world.state) < 2 or not _are_variables(world.state),
        "obs": not world.obs or not _are_variables(world.obs),
        "step_s": not world.step_s > 0,
        "max_episode_steps": world.max_episode_steps < 1,
        "reset_draws": world.reset_draws < 0,
        "parameters": not _are_parameters(world.parameters),
        "step_draws": world.step_draws < 0,
        "map_axes": not fits or axes[0] == axes[1],
    }
    for name, is_wrong in wrong.items():
        if is_wrong:
            expected = _EXPECTED.get(name, ((), "two different indices of state"))[1]
            raise UsageError(f"{where}: {name} = {getattr(world, name)!r}", f"expected {expected}; {_GUIDE}")
    if issubclass(world, ElementwiseWorld):
        _check_static(world, where)
    _check_arguments(world, where)
    _check_trial(world, where)


def _check_trial(world: type[World], where: str) -> None:
    """Try a step of a few agents in NumPy, whose errors name file and line; a compiler's do not."""
    try:
        made = world()
    except Exception as error:
        raise UsageError(f"{where}: cannot be made: {place_of(error, file_of(world))}", _GUIDE) from error
    try:
        try_world(made)
    except UnfitError as error:
        raise UsageError(f"{where}: {error}", error.hint or _GUIDE) from error
    except TrialError as error:
        said = place_of(error.error, file_of(world))
        raise UsageError(f"{where}: {error.name}: {said}", error.hint or _GUIDE) from error.error


def _are_variables(values: tuple[Variable, ...]) -> bool:
    return all(isinstance(each, Variable) and each.low < each.high for each in values)


def _are_parameters(values: tuple[Parameter, ...]) -> bool:
    if not all(isinstance(each, Parameter) for each in values):
        return False
    names = {each.name for each in values if each.name.isidentifier()}
    return len(names) == len(values) and all(each.low <= each.default <= each.high for each in values)


def _check_arguments(world: type[World], where: str) -> None:
    """Raise UsageError if the world's step cannot be given the parameters or draws that it declares."""
    if not (world.parameters or world.step_draws):
        return
    method, taken, own = "step", arguments_of(world.step) - 1 if issubclass(world, ArrayWorld) else 0, STEP
    if issubclass(world, ElementwiseWorld):
        method, taken, own = "dynamics", arguments_of(world.dynamics), DYNAMICS
    wanted = ("parameters, draws", 2) if world.step_draws else ("parameters", 1)
    if taken < own + wanted[1]:
        declared = "step_draws" if world.step_draws else "parameters"
        raise UsageError(
            f"{where}: has {declared}, but {method} does not take them",
            f"expected {method}(…, {wanted[0]}); {_GUIDE}",
        )


def _check_static(world: type[World], where: str) -> None:
    for name in ("start", "dynamics", "observation"):
        if not isinstance(inspect.getattr_static(world, name), staticmethod):
            raise UsageError(f"{where}: {name} must be a @staticmethod", _GUIDE)
