"""Functions that call plain Python functions, made ready for the compiler.

numba compiles calls of functions that it has compiled itself. So a function is copied, and every Python
function that it names (as a global, an attribute of a module, a closure value) is replaced by its compiled
version. Each copy reads its globals anew, so it contains their present values. Only `sim`'s own arithmetic is
compiled once for the whole process.
"""

from collections.abc import Callable
from types import CellType, FunctionType, ModuleType
from typing import Any

from valuescape.sim import elementwise, rng
from valuescape.sim.codegen.content import closure_of, global_names, is_translated, library_of, read_of

Code = Callable[..., Any]
Compile = Callable[[Any], Any]

_ARITHMETIC = (elementwise.__name__, rng.__name__)
_arithmetic: dict[FunctionType, Any] = {}
"""Functions of these modules, compiled once for all that call them."""


def linked(function: Code, compile_it: Compile, compile_called: Compile) -> Any:
    """Return `function` compiled by `compile_it`, and all that it calls by `compile_called`."""
    return _Linker(function, compile_it, compile_called).compiled(function)


class _Linker:
    """Compiles each function once for each linked one, and those of `sim`'s arithmetic once for all."""

    def __init__(self, whole: Code, compile_it: Compile, compile_called: Compile) -> None:
        self._whole, self._compile_it, self._compile_called = whole, compile_it, compile_called
        self._made: dict[FunctionType, Any] = {}
        self._looked_into: list[ModuleType] = []  # modules that name each other

    def compiled(self, function: Any) -> Any:
        """Return the compiled function. It is registered before those that it calls: it may call itself."""
        called = function is not self._whole  # the whole one may be compiled in another way
        made = _arithmetic if called and function.__module__ in _ARITHMETIC else self._made
        if function not in made:
            names = dict(function.__globals__)
            own = [CellType() for _ in function.__closure__ or ()]
            copy = FunctionType(
                function.__code__, names, function.__name__, function.__defaults__, tuple(own) or None
            )
            copy.__module__, copy.__qualname__ = function.__module__, function.__qualname__
            copy.__kwdefaults__ = function.__kwdefaults__
            compile_one = self._compile_it if function is self._whole else self._compile_called
            made[function] = compile_one(copy)
            for name in global_names(function.__code__):
                if name in names:
                    names[name] = self._value(names[name], function)
            held = dict(closure_of(function))
            for name, cell in zip(function.__code__.co_freevars, own, strict=True):
                if name in held:
                    cell.cell_contents = self._value(held[name], function)
        return made[function]

    def _value(self, value: Any, reader: Code) -> Any:
        """Return the replacement of a value that `reader` reads; the value itself if it is not a function."""
        if isinstance(value, FunctionType):
            known = library_of(value.__module__ or "") or is_translated(value)
            return value if known else self.compiled(value)
        if isinstance(value, ModuleType):
            return self._module(value, reader)
        return value

    def _module(self, module: ModuleType, reader: Code) -> ModuleType:
        """Return `module`, or a copy of it if `reader` finds functions in it."""
        if module in self._looked_into:
            return module
        self._looked_into.append(module)
        read = list(read_of(module, reader))
        replaced = {name: self._value(value, reader) for name, value in read}
        self._looked_into.pop()
        if all(replaced[name] is value for name, value in read):
            return module
        copy = ModuleType(module.__name__)
        vars(copy).update(vars(module) | replaced)
        return copy
