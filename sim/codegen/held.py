"""Arguments of compiled code that are taken apart once, not at every call.

numba takes half a microsecond for each array that a call brings; a tick of few agents takes less than the two
dozen arrays that it works on. `hold` takes them apart and keeps what it found.
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
        """Forget which values literals had."""
        return tuple((name, types.unliteral(kind)) for name, kind in fields)


class Held(structref.StructRefProxy):  # type: ignore[misc]
    """What `hold` returns; compiled code finds its argument in `work`. Keeps the arrays alive."""


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
    """Return `work`, a tuple of arrays and numbers, as something that costs next to nothing to pass."""
    return Held(work)
