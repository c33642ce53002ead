"""How functions are compiled: decorators, vector width, and names for all that machine code is made of."""

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numba import types
from numba.core import sigutils
from numba.core.ccallback import CFunc
from numba.extending import intrinsic, overload

from valuescape.sim import elementwise
from valuescape.sim.codegen import notice as compiling
from valuescape.sim.codegen.content import NoContentError, content_of
from valuescape.sim.codegen.kept import cache_of, no_cache
from valuescape.sim.codegen.linking import linked
from valuescape.sim.codegen.target import choose_target

F = TypeVar("F", bound=Callable[..., Any])

CPU_FEATURES = choose_target()
"""What the processor that is compiled for can do, by LLVM's names."""


def compiled(function: F) -> F:
    """Compile `function` where it is called: no cache of its own, NumPy's division, no fast math."""
    return cast(F, numba.njit(error_model="numpy", nogil=True)(function))


def compiled_and_kept(function: F, key: str | None = None) -> F:
    """Compile `function`, whose machine code later processes find in a cache on disk.

    key: names all that it is made of, as `source_key` does; all this room's sources if it has closed over
    nothing.
    """
    key = source_key() if key is None else key
    function.__qualname__ += "_" + key[:16]
    dispatcher = compiled(function)
    cast(Any, dispatcher)._cache = cache_of(function) if key else no_cache()
    return dispatcher


def compile_for(function: Callable[..., Any], *arguments: Any) -> None:
    """Compile `function` for arguments like these without calling it, or find it compiled."""
    cast(Any, function).compile(tuple(numba.typeof(argument) for argument in arguments))


def c_function(function: Callable[..., Any], key: str) -> int:
    """Return the address of `function` of (address, count, address), compiled and kept under `key`."""
    function.__qualname__ += "_" + key[:16]
    kind = types.void(types.uintp, types.intp, types.uintp)
    made: Any = CFunc(function, sigutils.normalize_signature(kind), {}, {"error_model": "numpy"})
    made._cache = cache_of(function) if key else no_cache()
    made.compile()
    _made.append(made)
    return int(made.address)


_made: list[Any] = []
"""Keeps machine code alive whose address is in use."""


def compiled_whole(function: F) -> F:
    """Compile `function` where it is called, with the plain functions that it calls."""
    return cast(F, linked(function, compiled, _inlined))


def inlined_whole(function: F) -> F:
    """As `compiled_whole`, and into the caller, whatever its size.

    For what is called in a loop over agents: LLVM inlines small functions only, and does not vectorise a loop
    with a call in it.
    """
    return cast(F, linked(function, _inlined, _inlined))


def _inlined(function: F) -> F:
    return cast(F, numba.njit(error_model="numpy", nogil=True, forceinline=True)(function))


UNKEPT = ""
"""The key of what must not be kept: something that it reads has no content that could be compared."""


def source_key(*functions: Callable[..., Any], constants: object = None) -> str:
    """Return a name for the content of compiled code: of `functions`, all that they reach, and this room's.

    constants: what else the machine code was told, with a `repr` that says all of it. UNKEPT if something
    that the functions reach has no content that can be told; that is said once.
    """
    try:
        content = content_of(functions)
    except NoContentError as error:
        compiling.remark(f"{error}: its machine code is not kept, every start compiles it")
        return UNKEPT
    return hashlib.sha256(_room_source() + repr(constants).encode() + content).hexdigest()


@cache
def _room_source() -> bytes:
    room = Path(str(elementwise.__file__)).parent
    files = [file for part in ("codegen", "stepping/compiled") for file in sorted((room / part).glob("*.py"))]
    files += [room / name for name in ("elementwise.py", "rng.py", "shared/layout.py", "policy/network.py")]
    return b"".join(file.read_bytes() for file in files)


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
