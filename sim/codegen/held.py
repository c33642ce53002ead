"""Arguments of compiled code that are unpacked once, not at every call.

numba takes half a microsecond to unpack each array of a call. A tick of few agents takes less time than
unpacking its two dozen arrays would. `hold` unpacks them once and keeps the result.
"""

from typing import Any

from numba import types
from numba.experimental import structref
from numba.extending import overload

from valuescape.sim.codegen.compiler import compiled_and_kept


@structref.register
class HeldType(types.StructRef):  # type: ignore[misc]  # numba has no types
    """The type of `Held` in compiled code."""

    def preprocess_fields(self, fields: Any) -> Any:
        """Return the fields with the types of literals, not their values."""
        return tuple((name, types.unliteral(kind)) for name, kind in fields)


class Held(structref.StructRefProxy):  # type: ignore[misc]
    """The result of `hold`: compiled code finds the arguments in `work`. It keeps the arrays alive."""


structref.define_boxing(HeldType, Held)


@overload(Held)
def _held(work: Any) -> Any:
    kind = HeldType([("work", work)])

    def make(work: Any) -> Any:
        held = structref.new(kind)
        held.work = work
        return held

    return make


@compiled_and_kept
def hold(work: Any) -> Any:
    """Return `work`, a tuple of arrays and numbers, in a form that takes no time to pass."""
    return Held(work)
