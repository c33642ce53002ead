"""Worlds of the user's own: Python files that run only because the user names them."""

import hashlib
import importlib.util
import inspect
import sys
import traceback
from pathlib import Path
from types import ModuleType

from valuescape.sim.errors import UsageError
from valuescape.sim.paths import named_path, require_plain
from valuescape.sim.worlds.base import (
    ArrayWorld,
    ContinuousAction,
    DiscreteAction,
    ElementwiseWorld,
    Variable,
    World,
)
from valuescape.sim.worlds.parameters import Parameter
from valuescape.sim.worlds.registry import register
from valuescape.sim.worlds.signatures import DYNAMICS, STEP, arguments_of
from valuescape.sim.worlds.trial import TrialError, UnfitError, try_world

_loaded: dict[Path, tuple[type[World], ...]] = {}
"""The worlds of each file that was loaded, by its full path."""

_GUIDE = "docs/worlds.md has an example"


def load_world_file(path: Path | str) -> tuple[type[World], ...]:
    """Run the Python file at `path`, register the worlds that it defines, and return their classes.

    A file may also, or only, register environments with Gymnasium. A file that was loaded before is not run
    again. Worker processes that start later run it, too. Raises UsageError if the file is missing, fails or
    defines neither; if a world lacks something or fails a trial of a few agents in NumPy; or if its name is
    taken.
    """
    found = _plain_file(path)
    if found not in _loaded:
        before = _registered()
        worlds = _worlds_of(_run(found, str(path)), str(path), registers=_registered() > before)
        register(worlds, f"--world-file {path}")
        _loaded[found] = worlds
    return _loaded[found]


def world_files() -> tuple[Path, ...]:
    """Return the files that were loaded, in that order, for workers to load first."""
    return tuple(_loaded)


def _plain_file(path: Path | str) -> Path:
    """Return the full path. Raises UsageError unless it is a Python file's."""
    found = named_path(str(path), f"--world-file {path}").resolve()
    require_plain(found, "name a Python file, *.py", where=f"--world-file {path}")
    if found.suffix != ".py":
        raise UsageError(f"--world-file {path}: expected a Python file, named *.py")
    return found


def _registered() -> set[str]:
    """Return the ids of Gymnasium's environments; none if Gymnasium is not imported."""
    gymnasium = sys.modules.get("gymnasium")
    return set(gymnasium.registry) if gymnasium else set()


def _run(path: Path, shown: str) -> ModuleType:
    """Import the file under a name of its own, kept in sys.modules, where its source can be found later.

    The file can import modules beside it, as a script can; they come last, so that they hide no others.
    """
    name = f"valuescape_world_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        hint = _FRONT_DOOR if _imports_the_old_way(error) else _GUIDE
        raise UsageError(f"--world-file {shown}: {_where(error, path)}", hint) from error
    return module


_FRONT_DOOR = "write `from valuescape.api import …` in place of `from sim.worlds` and `from sim.elementwise`"


def _imports_the_old_way(error: BaseException) -> bool:
    """Return whether an import of `sim`, at the top level, or of something in it failed.

    If the user has a folder `sim`, that is what is found, and it has no module `sim.worlds`.
    """
    name = error.name or "" if isinstance(error, ImportError) else ""
    return name == "sim" or name.startswith("sim.")


def _where(error: BaseException, path: Path) -> str:
    """Describe the error, with the last line of the file that it came through."""
    lines = [
        frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)
    ]
    line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else None
    said = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{f'line {line}: ' if line else ''}{type(error).__name__}: {said}"


def _worlds_of(module: ModuleType, shown: str, *, registers: bool) -> tuple[type[World], ...]:
    worlds = tuple(
        each
        for each in vars(module).values()
        if isinstance(each, type)
        and issubclass(each, World)
        and each.__module__ == module.__name__
        and not (inspect.isabstract(each) and not hasattr(each, "name"))  # a base for others
    )
    if not worlds and not registers:
        raise UsageError(
            f"--world-file {shown}: defines no world and registers no environment with Gymnasium",
            f"expected a class ElementwiseWorld or ArrayWorld, or gymnasium.register(…); {_GUIDE}",
        )
    for world in worlds:
        check_world(world, f"--world-file {shown}: class {world.__name__}")
    return worlds


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
        raise UsageError(f"{where}: cannot be made: {_where(error, _file_of(world))}", _GUIDE) from error
    try:
        try_world(made)
    except UnfitError as error:
        raise UsageError(f"{where}: {error}", error.hint or _GUIDE) from error
    except TrialError as error:
        said = _where(error.error, _file_of(world))
        raise UsageError(f"{where}: {error.name}: {said}", error.hint or _GUIDE) from error.error


def _file_of(world: type[World]) -> Path:
    return Path(inspect.getfile(world))


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
