"""Compiles functions: decorators, the target's features, and keys that name what machine code is made of."""

import hashlib
import importlib.util
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
from valuescape.sim.codegen import notice
from valuescape.sim.codegen.content import NoContentError, content_of
from valuescape.sim.codegen.kept import cache_of, no_cache
from valuescape.sim.codegen.linking import linked
from valuescape.sim.codegen.target import choose_target

F = TypeVar("F", bound=Callable[..., Any])

CPU_FEATURES = choose_target()
"""Features of the processor that is compiled for, by LLVM's names."""


def compiled(function: F) -> F:
    """Compile `function` where it is called: no cache of its own, NumPy's division, no fast math."""
    return cast(F, numba.njit(error_model="numpy", nogil=True)(function))


def compiled_inside(function: F) -> F:
    """Compile as `compiled` does, for callers that are compiled. A call from Python would end the process.

    Nothing unpacks Python's arguments: for the functions of a tick that took a third of the compilation.
    """
    return cast(F, numba.njit(error_model="numpy", nogil=True, **_WITHIN)(function))


_WITHIN = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def compiled_and_kept(function: F, key: str | None = None) -> F:
    """Compile `function`, whose machine code later processes find in a cache on disk.

    key: names all that it is made of, as `source_key` does. May be left out if it closes over nothing.
    """
    key = source_key() if key is None else key
    function.__qualname__ += "_" + key[:16]
    dispatcher = compiled(function)
    cast(Any, dispatcher)._cache = cache_of(function) if key else no_cache()
    return dispatcher


def compile_for(function: Callable[..., Any], *arguments: Any) -> None:
    """Compile `function` for arguments of these types without calling it, or find it compiled."""
    cast(Any, function).compile(tuple(numba.typeof(argument) for argument in arguments))


BLOCK_FUNCTION = types.void(types.uintp, types.intp, types.uintp)
"""Signature of functions of a block's address, a count, and another address or number."""


def c_function(function: Callable[..., Any], key: str, kind: Any = BLOCK_FUNCTION) -> int:
    """Return the address of `function`, of signature `kind`, compiled and kept under `key`."""
    function.__qualname__ += "_" + key[:16]
    made: Any = CFunc(function, sigutils.normalize_signature(kind), {}, {"error_model": "numpy"})
    made._cache = cache_of(function) if key else no_cache()
    made.compile()
    _made.append(made)
    return int(made.address)


_made: list[Any] = []
"""Keeps machine code alive, as callers hold only its address."""


def compiled_whole(function: F, compile_it: Callable[[Any], Any] = compiled) -> F:
    """Compile `function` by `compile_it` where it is called, and inline the plain functions that it calls."""
    return cast(F, linked(function, compile_it, _inlined))


def inlined_whole(function: F) -> F:
    """Compile as `compiled_whole` does, and inline it into the compiled caller, whatever its size.

    For functions that a loop over agents calls: LLVM by itself inlines small functions only, and does not
    vectorise a loop with a call in it.
    """
    return cast(F, linked(function, _inlined, _inlined))


def _inlined(function: F) -> F:
    return cast(F, numba.njit(error_model="numpy", nogil=True, forceinline=True, **_WITHIN)(function))


UNKEPT = ""
"""The key of machine code that must not be kept: something that it reads has no comparable content."""


def source_key(*functions: Callable[..., Any], constants: object = None) -> str:
    """Return a key of `functions`, of all that they reach, and of the compiled path's own source.

    constants: other values that the machine code contains; their `repr` must be complete. Returns UNKEPT, and
    logs it once, if something that the functions reach has no comparable content.
    """
    try:
        content = content_of(functions)
    except NoContentError as error:
        notice.remark(f"{error}: its machine code is not kept, every start compiles it")
        return UNKEPT
    return hashlib.sha256(_own_source() + repr(constants).encode() + content).hexdigest()


OWN_PARTS = (
    *("codegen", "stepping.compiled"),
    *("elementwise", "rng", "shared.layout", "shared.turns", "policy.network", "stepping.tiles"),
)
"""Packages and modules of `sim` whose source is in every key, as machine code contains values of theirs.

They are named, not imported: some are above this package.
"""


@cache
def own_files() -> tuple[Path, ...]:
    """Return the files of OWN_PARTS. Raises LookupError if one of these is not there."""
    return tuple(file for part in OWN_PARTS for file in _files_of(f"{elementwise.__package__}.{part}"))


def _files_of(name: str) -> list[Path]:
    """Return the file of the module `name`, or those of a package."""
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:  # not even the package that it would be in
        spec = None
    if spec is None or spec.origin is None:
        raise LookupError(
            f"the keys of machine code contain the source of {name}, but there is no such module"
        )
    file = Path(spec.origin)
    return [file] if spec.submodule_search_locations is None else sorted(file.parent.glob("*.py"))


@cache
def _own_source() -> bytes:
    return b"".join(file.read_bytes() for file in own_files())


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
