"""Environments of users' own, of a file or a module that the command line or Python code names.

A world of one is called as its class, if a file of `--env-file` has it; as `--world` names it, if that is
`module:ClassOrFunction`; and `gymnasium:ID` if the code registers it with Gymnasium.
"""

import contextlib
import difflib
import importlib
import importlib.util
import inspect
import itertools
import os
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from valuescape.sim.errors import UsageError
from valuescape.sim.plugins.declarations import Kind
from valuescape.sim.plugins.loading import LOADED, Source, gather_with, load_file, run_source
from valuescape.sim.plugins.registry import PLUGINS
from valuescape.sim.plugins.running import place_of, python_file
from valuescape.sim.worlds.base import World
from valuescape.sim.worlds.gym_making import GYMNASIUM
from valuescape.sim.worlds.gym_spaces import OLD_GYM
from valuescape.sim.worlds.registry import world_names

ENV_FILE, WORLD = "--env-file", "--world"
_DOTTED = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")


def is_code(name: str) -> bool:
    """Return whether the name of a world is that of a class or function: `module:ClassOrFunction`."""
    return not name.startswith(GYMNASIUM) and _DOTTED.fullmatch(name) is not None


def load_env_file(path: Path | str) -> tuple[str, ...]:
    """Run the Python file at `path`, and return the names of the worlds of its environments.

    They are the environments that it registers with Gymnasium, `gymnasium:ID`; if it registers none, its
    classes derived from `gymnasium.Env` or `gymnasium.vector.VectorEnv`, but for those that another one is
    derived from. A file that was loaded before is not run again. Worker processes that start later run it,
    too. Raises UsageError if the file is missing, fails, or has no environment.
    """
    loaded = load_file(path, ENV_FILE)
    own = [each.name for each in loaded.declared if each.kind is Kind.ENVIRONMENT]
    if loaded.registered:
        return tuple(f"{GYMNASIUM}{each}" for each in sorted(loaded.registered))
    classes = {each: getattr(loaded.module, each) for each in own}
    bases = {base for each in classes.values() if isinstance(each, type) for base in each.__mro__[1:]}
    return tuple(each for each in own if classes[each] not in bases)


def load_from_file(path: Path | str, name: str) -> str:
    """Return the name of the world of one class or function in a file that `load_env_file` has loaded.

    Raises UsageError, with the nearest name, if the file has none of that name.
    """
    loaded = load_file(path, ENV_FILE)
    if name in {each.name for each in loaded.declared} or name.removeprefix(GYMNASIUM) in loaded.registered:
        return name
    _ask_for(loaded.source, name)
    return name


def load_named(name: str) -> str:
    """Import the module of `module:ClassOrFunction`, and return the world's name.

    The current folder is searched, too, after the others.
    A world of `valuescape.api` has the name that its class gives it. Raises UsageError if there is no such
    module, class or function, or if importing the module fails.
    """
    module, _, attribute = name.partition(":")
    where = f"{WORLD} {name}"
    path = _found(module, where)
    before = LOADED.get(str(path))
    if before is None:
        _, content = python_file(path, where)
        run_source(Source(path, module, content, where, WORLD, (attribute,)))
    elif attribute not in before.source.names:
        _ask_for(before.source, attribute)
    found = getattr(LOADED[str(path)].module, attribute)
    return found.name if _is_world(found) else name


def declare_environment(function: Callable[..., Any], name: str = "") -> str:
    """Make a class or function of a script or notebook known as a world, and return the world's name.

    One that is defined again, as by a cell that is run again, takes the place of the one before. Lambdas,
    local functions and callable objects are numbered, for several of the same name may differ in what they
    make. Workers get it by value. Raises UsageError if the name is taken.
    """
    name = name or _free_name(function)
    _require_free(name, name)
    known = PLUGINS.find(Kind.ENVIRONMENT, name)
    if known is None or known.function is not function:
        PLUGINS.declare(Kind.ENVIRONMENT, name, function)
    return name


def _free_name(function: Callable[..., Any]) -> str:
    name = getattr(function, "__name__", type(function).__name__)
    if "<" not in getattr(function, "__qualname__", "<"):
        return str(name)
    names = itertools.chain((name,), (f"{name} {number}" for number in itertools.count(2)))
    known = ((each, PLUGINS.find(Kind.ENVIRONMENT, each)) for each in names)
    return next(each for each, found in known if found is None or found.function is function)


def _ask_for(source: Source, name: str) -> None:
    """Run a source again, with one name more asked for."""
    before, modules = LOADED.pop(source.key), dict(sys.modules)
    PLUGINS.withdraw(source.key)
    known: Any = sys.modules.get("gymnasium")
    gone = {each: known.registry.pop(each) for each in before.registered} if known else {}
    try:
        run_source(replace(source, names=(*source.names, name)))
    except BaseException:
        sys.modules.update(modules)
        if known:
            known.registry.update(gone)
        run_source(source)
        raise


def _gather(module: ModuleType, source: Source) -> None:
    """Declare the environments that a module was asked for, and of a file the classes that it defines."""
    prefix = f"{source.module}:" if source.module else ""
    if source.option == ENV_FILE:
        for name, value in vars(module).items():
            if _is_environment_of(value, module.__name__) and not name.startswith("_"):
                _require_free(name, source.where)
                PLUGINS.declare(Kind.ENVIRONMENT, name, value)
    for name in source.names:
        asked = _asked_for(module, name, source)
        if PLUGINS.find(Kind.ENVIRONMENT, f"{prefix}{name}") is None and not _is_world(asked):
            PLUGINS.declare(Kind.ENVIRONMENT, f"{prefix}{name}", asked)
    if source.option == ENV_FILE:
        _require_some(module, source)


gather_with(_gather)


def _is_world(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, World)


def _asked_for(module: ModuleType, name: str, source: Source) -> Callable[..., Any]:
    found = getattr(module, name, None)
    if not callable(found):
        known = [each for each, value in vars(module).items() if callable(value) and not each.startswith("_")]
        near = difflib.get_close_matches(name, known, n=1)
        hint = (
            f"did you mean {near[0]}?" if near else "expected a class or function that makes an environment"
        )
        said = f"has no class or function {name!r}" if found is None else f"{name!r} is no class or function"
        raise UsageError(f"{source.where}: {said}", hint)
    function: Callable[..., Any] = found
    return function


def _is_environment_of(value: object, module: str) -> bool:
    """Return whether a value is a class of environments that a module defines; wrappers are none."""
    gymnasium: Any = sys.modules.get("gymnasium")
    if gymnasium is None or not isinstance(value, type) or value.__module__ != module:
        return False
    from gymnasium.vector import VectorEnv, VectorWrapper

    wraps = issubclass(value, gymnasium.Wrapper | VectorWrapper)
    return issubclass(value, gymnasium.Env | VectorEnv) and not wraps and not inspect.isabstract(value)


def _require_some(module: ModuleType, source: Source) -> None:
    """Raise UsageError, for environments of the old gym with what to do, if a file has no environment."""
    if any(each.source == source.key and each.kind is Kind.ENVIRONMENT for each in PLUGINS):
        return
    old = [
        name
        for name, value in vars(module).items()
        if isinstance(value, type)
        and value.__module__ == module.__name__
        and any(each.__module__ == "gym.core" for each in value.__mro__)
    ]
    if old:
        raise UsageError(f"{source.where}: {old[0]} is an environment of the old gym", OLD_GYM)


def _require_free(name: str, where: str) -> None:
    if name in world_names():
        raise UsageError(
            f"{where}: an environment is called {name!r}, as a world of this program", "rename it"
        )


def _found(module: str, where: str) -> Path:
    """Return the file of a module. Raises UsageError if there is none, or if it is not what is meant."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)  # last, so that its files hide no other modules
    importlib.invalidate_caches()
    top = module.partition(".")[0]
    spec = _spec(module, where)
    own = PathFinder.find_spec(top, [here])
    if own and own.origin and spec and spec.origin and not _is_below(spec.origin, here) and "." not in module:
        raise UsageError(
            f"{where}: {Path(own.origin).name} here is hidden by {spec.origin}", "rename yours, or --env-file"
        )
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        raise UsageError(
            f"{where}: there is no Python module {module}, here or installed",
            "expected module:ClassOrFunction; for a file elsewhere: --env-file FILE.py",
        )
    return Path(spec.origin).resolve()


def _spec(module: str, where: str) -> ModuleSpec | None:
    """Return where a module is; packages that it is in are imported."""
    try:
        return importlib.util.find_spec(module)
    except ModuleNotFoundError as error:
        if error.name and module.startswith(error.name):
            return None
        raise UsageError(f"{where}: {place_of(error, '')}") from error
    except (Exception, SystemExit) as error:
        raise UsageError(f"{where}: {place_of(error, '')}") from error


def _is_below(file: str, folder: str) -> bool:
    with contextlib.suppress(ValueError):
        return os.path.commonpath([os.path.realpath(file), os.path.realpath(folder)]) == os.path.realpath(
            folder
        )
    return False
