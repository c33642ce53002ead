"""Source of maps that a function of checkpoint and plane gives: `MapLayer.compute`, in another thread."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from valuescape.gpu.layers.layer import MapLayer
from valuescape.run.map_sources.source import Answer, Question
from valuescape.sim.arrays import Float32Array
from valuescape.sim.insight.subject import MapRequest


class ComputedMaps:
    """Computes maps when they are shown, and again when the request for them has changed."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, "maps")
        self._made: dict[str, MapRequest] = {}
        self._coming: dict[str, tuple[MapRequest, Future[Float32Array]]] = {}

    @property
    def doing(self) -> str:
        """The maps that are being computed."""
        return ", ".join(sorted(self._coming))

    def answers(self, question: Question) -> Iterator[Answer]:
        """Return the maps that are finished, and begin those that are missing or out of date."""
        for layer in question.layers:
            if layer.compute is None:
                continue
            if layer.name in self._coming:
                request, made = self._coming[layer.name]
                if not made.done():
                    continue
                del self._coming[layer.name]
                self._made[layer.name] = request
                yield Answer(layer.name, made.result())
            if self._made.get(layer.name) is not question.request:
                made = self._pool.submit(_compute, layer, question.request)
                self._coming[layer.name] = question.request, made

    def release(self) -> None:
        """Wait for the map that is being computed, and leave the others out."""
        self._pool.shutdown(cancel_futures=True)


def _compute(layer: MapLayer, request: MapRequest) -> Float32Array:
    assert layer.compute is not None
    with np.errstate(all="ignore"):
        return layer.compute(request)
