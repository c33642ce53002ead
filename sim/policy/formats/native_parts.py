"""The parts of a checkpoint in memory, behind the methods of an open safetensors file."""

from collections.abc import Iterable, Mapping

import numpy as np

from valuescape.sim.arrays import Float32Array


class Entry:
    """The kind and the shape of an array."""

    def __init__(self, tensor: Float32Array) -> None:
        self._tensor = tensor

    def get_dtype(self) -> str:
        """Return the array's kind by safetensors' name for it, if that is F32."""
        return "F32" if self._tensor.dtype == np.float32 else str(self._tensor.dtype)

    def get_shape(self) -> list[int]:
        """Return the array's shape."""
        return list(self._tensor.shape)


class Parts:
    """Arrays by their names, and metadata; what is read are the arrays themselves, not copies."""

    def __init__(self, tensors: Mapping[str, Float32Array], metadata: Mapping[str, str]) -> None:
        self._tensors, self._metadata = tensors, metadata

    def metadata(self) -> dict[str, str]:
        """Return a copy of the metadata."""
        return dict(self._metadata)

    def keys(self) -> Iterable[str]:
        """Return the arrays' names."""
        return self._tensors.keys()

    def get_slice(self, name: str) -> Entry:
        """Return what is known of an array without reading it."""
        return Entry(self._tensors[name])

    def get_tensor(self, name: str) -> Float32Array:
        """Return an array."""
        return self._tensors[name]
