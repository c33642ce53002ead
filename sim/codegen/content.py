"""Hashes all that a compiled function is made of: its code, and the content of the values that it reaches.

numba freezes globals, closure values, attributes of modules and default arguments into machine code. Kept
machine code is found by this hash, so it must cover each of them by content, not by name.
"""

import contextlib
import dataclasses
import dis
import enum
import hashlib
import inspect
import struct
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType, SimpleNamespace
from typing import Any, NoReturn

import llvmlite
import numba
import numpy as np
from numba.core.registry import cpu_target

from valuescape.sim import elementwise

Code = Callable[..., Any]

_LIBRARIES = {"numpy": np.__version__, "numba": numba.__version__, "llvmlite": llvmlite.__version__}
"""Libraries whose functions and values are hashed by version instead of content."""

_KEPT_BYTES = 10**6
"""The largest array that is hashed. For a larger one numba puts its address into machine code."""

_PLAIN = (int, str, bytes, type(None), type(...), range)


class NoContentError(Exception):
    """A function reaches something without comparable content; the message names both."""


def content_of(functions: Iterable[Code]) -> bytes:
    """Return the hash of `functions`, all that they call, and all values that those read.

    It is equal in all processes in which they are equal. Raises NoContentError.
    """
    walk = _Walk()
    for function in functions:
        walk.add(function)
    return walk.digest.digest()


def reached(function: Code) -> Iterator[tuple[str, Any]]:
    """Yield what `function` reads from outside, as (name, value).

    These are globals, attributes of modules, closure values and default arguments. As attributes count those
    of any module that it reads, by any word that occurs in it: rather too many than too few.
    """
    names = function.__globals__
    values = [(name, names[name]) for name in global_names(function.__code__) if name in names]
    values += closure_of(function)
    values += [(f"default {index}", value) for index, value in enumerate(function.__defaults__ or ())]
    values += (function.__kwdefaults__ or {}).items()
    modules = [value for _, value in values if isinstance(value, ModuleType)]
    for module in modules:  # the list grows: a package has modules
        read = list(read_of(module, function))
        modules += [each for _, each in read if isinstance(each, ModuleType) and each not in modules]
        values += [(f"{module.__name__}.{name}", value) for name, value in read]
    yield from values


def read_of(module: ModuleType, function: Code) -> Iterator[tuple[str, Any]]:
    """Yield the attributes of `module` that `function` may read, as (name, value)."""
    if not library_of(module.__name__):
        held = vars(module)
        yield from ((word, held[word]) for word in _words(function.__code__) if word in held)


def closure_of(function: Code) -> list[tuple[str, Any]]:
    """Return the closure values of `function`, as (name, value), without those that are not assigned yet."""
    found = []
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with contextlib.suppress(ValueError):
            found.append((name, cell.cell_contents))
    return found


def library_of(module: str) -> str:
    """Return the library of `_LIBRARIES` that `module` belongs to, or "" if to none."""
    top = module.partition(".")[0]
    return top if top in _LIBRARIES else ""


def is_translated(function: Code) -> bool:
    """Return whether numba has its own translation of a Python function, and never compiles that."""
    context = cpu_target.typing_context
    context.refresh()
    return context._lookup_global(function) is not None


@cache
def global_names(code: CodeType) -> tuple[str, ...]:
    """Return the names of globals in `code` and in the functions within it."""
    steps = (step for each in _codes(code) for step in dis.get_instructions(each))
    return tuple(dict.fromkeys(step.argval for step in steps if step.opname in ("LOAD_GLOBAL", "LOAD_NAME")))


@cache
def _words(code: CodeType) -> tuple[str, ...]:
    """Return the words in `code` that may name an attribute; a text may, in getattr."""
    words = [word for each in _codes(code) for word in (*each.co_names, *each.co_consts)]
    return tuple(dict.fromkeys(word for word in words if isinstance(word, str)))


def _codes(code: CodeType) -> list[CodeType]:
    """Return `code` and that of lambdas, comprehensions and functions within it."""
    found = [code]
    for each in found:  # the list grows
        found += [value for value in each.co_consts if isinstance(value, CodeType)]
    return found


class _Walk:
    """Feeds values into a hash, each after its kind, so that no two kinds of value can hash alike."""

    def __init__(self) -> None:
        self.digest = hashlib.sha256()
        self._functions: dict[int, int] = {}
        self._within: list[object] = []  # the containers that the walk is in
        self._path: list[str] = []

    def add(self, value: Any) -> None:
        """Hash `value` by content. Raises NoContentError if that is impossible."""
        if isinstance(value, enum.Enum):
            self._parts(value, "enum", [type(value).__qualname__, value.name, value._value_])
        elif isinstance(value, np.ndarray | np.generic):  # a np.float64 is a float, too
            self._array(value)
        elif isinstance(value, _PLAIN):
            self._bytes(type(value).__name__, repr(value).encode())
        elif isinstance(value, float):
            self._bytes("float", struct.pack("<d", value))
        elif isinstance(value, complex):
            self._bytes("complex", struct.pack("<2d", value.real, value.imag))
        elif not self._add_container(value):
            self._add_code(value)

    def _add_container(self, value: Any) -> bool:
        if isinstance(value, tuple | list):
            named = [type(value).__qualname__, *getattr(value, "_fields", ())]
            self._parts(value, "sequence", [*named, *value])
        elif isinstance(value, Mapping):
            self._parts(value, "mapping", [part for item in value.items() for part in item])
        elif isinstance(value, set | frozenset):
            self._parts(value, "set", sorted(self._alone(each) for each in value))
        elif isinstance(value, SimpleNamespace):
            self._parts(value, "namespace", [vars(value)])
        elif isinstance(value, np.dtype):
            self._parts(value, "dtype", [str(value.descr), value.itemsize, value.alignment])
        elif dataclasses.is_dataclass(value) and not isinstance(value, type):
            names = [field.name for field in dataclasses.fields(value)]
            held = [getattr(value, name) for name in names]
            self._parts(value, "dataclass", [type(value).__module__, type(value).__qualname__, *names, *held])
        else:
            return False
        return True

    def _add_code(self, value: Any) -> None:
        python = getattr(value, "py_func", None)  # of a function that the user has compiled with numba
        if isinstance(value, CodeType):
            self._code(value)
        elif isinstance(value, FunctionType):
            self._function(value)
        elif isinstance(python, FunctionType):
            self._parts(value, "compiled", [sorted(map(str, getattr(value, "targetoptions", {}).items()))])
            self._function(python)
        elif isinstance(value, ModuleType):  # attributes that are read are hashed by `_function`
            library = library_of(value.__name__)
            self._parts(value, "module", [value.__name__, _LIBRARIES.get(library, "")])
        elif isinstance(value, type):
            self._class(value)
        elif isinstance(value, BuiltinFunctionType | np.ufunc):
            self._parts(value, "built in", [str(getattr(value, "__module__", "")), value.__name__])
        elif library := library_of(type(value).__module__ or ""):
            self._of_library(value, library)
        else:
            self._refuse(_no_content(value))

    def _array(self, value: Any) -> None:
        array = np.asarray(value)
        if array.dtype.hasobject:
            self._parts(value, "objects", [array.shape, array.tolist()])
            return
        if array.nbytes > _KEPT_BYTES:
            self._refuse(f"an array of {array.nbytes / 1e6:.1f} MB, which numba does not keep")
        layout = array.flags.c_contiguous, array.flags.f_contiguous, array.flags.aligned
        self._parts(value, type(value).__name__, [str(array.dtype.descr), array.shape, layout])
        self._bytes("values", array.tobytes())

    def _code(self, code: CodeType) -> None:
        flags = code.co_flags, code.co_argcount, code.co_kwonlyargcount
        names = code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars
        self._parts(code, "code", [code.co_code, code.co_exceptiontable, flags, names, code.co_consts])

    def _function(self, function: Any) -> None:
        number = self._functions.get(id(function))
        if number is not None:
            self._bytes("function again", str(number).encode())
            return
        self._functions[id(function)] = len(self._functions)
        self._bytes("function", f"{function.__module__}.{function.__qualname__}".encode())
        if library := library_of(function.__module__ or ""):
            self._bytes("library", _LIBRARIES[library].encode())
            return
        if is_translated(function) and function.__module__ != elementwise.__name__:
            self._refuse(_no_content(function))  # the translation cannot be found from here
        self._bytes("source", module_source(function.__module__))
        self._code(function.__code__)
        for label, value in reached(function):
            self._path.append(f"{label} in {function.__qualname__}")
            self._bytes("name", label.encode())
            self.add(value)
            self._path.pop()

    def _class(self, value: type) -> None:
        self._bytes("class", f"{value.__module__}.{value.__qualname__}".encode())
        if issubclass(value, enum.Enum):
            self._parts(value, "members", [(each.name, each._value_) for each in value])
        elif issubclass(value, tuple) and hasattr(value, "_fields"):
            self._parts(value, "fields", [vars(value)[each] for each in ("_fields", "_field_defaults")])
        elif type(value) is not type:  # a class of numba's, whose methods are compiled
            self._refuse(_no_content(value))
        elif not library_of(value.__module__) and value.__module__ != "builtins":
            self._bytes("source", module_source(value.__module__))

    def _of_library(self, value: Any, library: str) -> None:
        """Hash a value of a library's type by its name. Raises NoContentError if it has none."""
        name = getattr(value, "__name__", None) or (repr(value) if library == "numba" else None)
        if name is None or " at 0x" in name:
            self._refuse(_no_content(value))
        self._parts(value, "of a library", [library, _LIBRARIES[library], type(value).__qualname__, name])

    def _parts(self, whole: Any, kind: str, parts: Iterable[Any]) -> None:
        """Hash the parts of `whole`; for one that is within itself, only how deep."""
        depth = [index for index, each in enumerate(self._within) if each is whole]
        if depth:
            self._bytes("within", str(depth[0]).encode())
            return
        self._within.append(whole)
        listed = list(parts)
        self._bytes(kind, str(len(listed)).encode())
        for part in listed:
            self.add(part)
        self._within.pop()

    def _alone(self, value: Any) -> bytes:
        walk = _Walk()
        walk.add(value)
        return walk.digest.digest()

    def _bytes(self, kind: str, content: bytes) -> None:
        self.digest.update(f"{kind} {len(content)}:".encode() + content)

    def _refuse(self, what: str) -> NoReturn:
        raise NoContentError(f"{self._path[-1] if self._path else 'a function'} is {what}")


def _no_content(value: Any) -> str:
    return f"a {type(value).__name__}, of which no content can be told"


@cache
def module_source(name: str) -> bytes:
    """Return the present source of the module `name`; the loaded code is hashed beside it."""
    try:
        return inspect.getsource(sys.modules[name]).encode()
    except (OSError, TypeError, KeyError):  # typed at a prompt: there is no source
        return hashlib.sha256(name.encode()).digest()
