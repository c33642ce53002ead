"""How functions are compiled: decorators, vector width, and a cache that notices every change of source."""

import hashlib
import inspect
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, TypeVar, cast

import llvmlite.binding as llvm
import numba
import numpy as np
from numba import types
from numba.core import sigutils
from numba.core.caching import FunctionCache
from numba.core.ccallback import CFunc
from numba.extending import intrinsic, overload, register_jitable

import sim
from sim import compiling, elementwise

F = TypeVar("F", bound=Callable[..., Any])

CPU_FEATURES: dict[str, bool] = dict(llvm.get_host_cpu_features())

if CPU_FEATURES.get("avx512f") and not numba.config.CPU_FEATURES:
    # LLVM takes 256-bit vectors by itself, for the clocks of early AVX-512 cores; on a Xeon of 2023 the
    # mountain car's dynamics make 700 million steps a second with them and 975 million with 512 bits.
    numba.config.CPU_NAME = llvm.get_host_cpu_name()
    numba.config.CPU_FEATURES = llvm.get_host_cpu_features().flatten() + ",-prefer-256-bit"


def compiled(function: F) -> F:
    """Compile `function` where it is called: no cache of its own, NumPy's division, no fast math."""
    return cast(F, numba.njit(error_model="numpy", nogil=True)(function))


def compiled_and_kept(function: F, key: str | None = None) -> F:
    """Compile `function`, whose machine code later processes find in a cache on disk.

    key: names all that it is made of, as `source_key` does; all this room's sources if it has closed over
    nothing.
    """
    function.__qualname__ += "_" + (key or source_key())[:16]
    dispatcher = compiled(function)
    cast(Any, dispatcher)._cache = _KeyedCache(function)
    return dispatcher


class _KeyedCache(FunctionCache):  # type: ignore[misc]  # numba has no types
    """Finds machine code by the function's name, in which there is a key of all that it was made of.

    numba's own cache would only notice changes of the file that the function is in, and compares what it has
    closed over by a pickle, which differs from process to process where that is functions.
    """

    def _index_key(self, signature: Any, codegen: Any) -> Any:
        return signature, codegen.magic_tuple()

    def load_overload(self, signature: Any, context: Any) -> Any:
        """Return the machine code, or None, after which it is made."""
        found = super().load_overload(signature, context)
        if found is None:
            compiling.tell()
        return found


def compile_for(function: Callable[..., Any], *arguments: Any) -> None:
    """Compile `function` for arguments like these without calling it, or find it compiled."""
    cast(Any, function).compile(tuple(numba.typeof(argument) for argument in arguments))


def c_function(function: Callable[..., Any], key: str) -> int:
    """Return the address of `function` of (address, count, address), compiled and kept under `key`."""
    function.__qualname__ += "_" + key[:16]
    kind = types.void(types.uintp, types.intp, types.uintp)
    made: Any = CFunc(function, sigutils.normalize_signature(kind), {}, {"error_model": "numpy"})
    made._cache = _KeyedCache(function)
    made.compile()
    _made.append(made)
    return int(made.address)


_made: list[Any] = []
"""Keeps machine code alive whose address is in use."""


def compiled_whole(function: F) -> F:
    """Compile `function` where it is called, with the plain functions that it calls."""
    make_callable(function)
    return compiled(function)


def inlined_whole(function: F) -> F:
    """As `compiled_whole`, and into the caller, whatever its size.

    For what is called in a loop over agents: LLVM inlines small functions only, and does not vectorise a loop
    with a call in it.
    """
    make_callable(function)
    return cast(F, numba.njit(error_model="numpy", nogil=True, forceinline=True)(function))


def make_callable(function: Callable[..., Any]) -> None:
    """Let compiled code call the plain functions that `function` calls, and those that they call."""
    for called in _called(function):
        if called not in _callable:
            _callable.add(called)
            register_jitable(forceinline=True)(called)
            make_callable(called)


_callable: set[Callable[..., Any]] = {
    elementwise.where,
    elementwise.floor,
    elementwise.float_bits,
    elementwise.bits_float,
}
"""What compiled code can call: at first what has a translation of its own, below."""


def _called(function: Callable[..., Any]) -> list[FunctionType]:
    """Return the Python functions that `function` names, directly or as attributes of a module."""
    code, names = function.__code__, function.__globals__
    found = [names.get(name) for name in code.co_names]
    modules = [
        each for each in found if isinstance(each, ModuleType) and not each.__name__.startswith("numpy")
    ]
    found += [getattr(module, name, None) for module in modules for name in code.co_names]
    return [each for each in found if isinstance(each, FunctionType)]


def source_key(*functions: Callable[..., Any], constants: object = None) -> str:
    """Return a name for the sources of compiled code: of `functions`, all that they call, and this room's.

    constants: what else the machine code was told, with a `repr` that says all of it.
    """
    digest = hashlib.sha256(_room_source() + repr(constants).encode())
    for each in _reached(functions):
        name = f"{each.__module__}.{each.__qualname__}"  # kept code imports the module again
        digest.update(name.encode() + _module_source(each.__module__) + _constants(each))
    return digest.hexdigest()


def _reached(functions: tuple[Callable[..., Any], ...]) -> list[Callable[..., Any]]:
    """Return the functions and those that they call, directly or not; each once."""
    found = list(functions)
    for each in found:  # which grows meanwhile
        found += [called for called in _called(each) if called not in found]
    return found


def _constants(function: Callable[..., Any]) -> bytes:
    """Return the values of the numbers that `function` names, wherever they were defined."""
    values = [(name, function.__globals__.get(name)) for name in function.__code__.co_names]
    return repr(
        [(name, value) for name, value in values if isinstance(value, int | float | np.number)]
    ).encode()


@cache
def _room_source() -> bytes:
    room = Path(str(sim.__file__)).parent
    files = [*sorted((room / "simd").glob("*.py"))]
    files += [room / name for name in ("elementwise.py", "rng.py", "layout.py", "policy/network.py")]
    return b"".join(file.read_bytes() for file in files)


@cache
def _module_source(name: str) -> bytes:
    try:
        return inspect.getsource(sys.modules[name]).encode()
    except (OSError, TypeError):  # typed at a prompt: there is nothing to compare later runs with
        return hashlib.sha256(name.encode()).digest()


@overload(elementwise.where, strict=False)
def _where(condition: Any, a: Any, b: Any) -> Any:
    return lambda condition, a, b: a if condition else b


@overload(elementwise.floor, strict=False)
def _floor(x: Any) -> Any:
    return lambda x: np.floor(x)


@intrinsic
def _bitcast(context: Any, x: Any, kind: Any) -> Any:
    """Reinterpret the 32 bits of `x` as the type `kind`."""
    del context
    target = kind.instance_type

    def generate(cg: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], cg.get_value_type(target))

    return target(x, kind), generate


@overload(elementwise.float_bits, strict=False)
def _float_bits(x: Any) -> Any:
    return lambda x: _bitcast(x, numba.int32)


@overload(elementwise.bits_float, strict=False)
def _bits_float(bits: Any) -> Any:
    return lambda bits: _bitcast(numba.int32(bits), numba.float32)
