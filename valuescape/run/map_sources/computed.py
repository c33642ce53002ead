"""Source of maps that a function of checkpoint and plane gives: `MapLayer.compute`, in another thread."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from valuescape.gpu.layers.layer import MapLayer
from valuescape.run.map_sources.source import Answer, Question
from valuescape.sim.arrays import Float32Array
from valuescape.sim.insight.over_plane import MEAN_OVER_AGENTS
from valuescape.sim.insight.subject import MapRequest
from valuescape.sim.plugins.declarations import Kind
from valuescape.sim.plugins.failing import TROUBLE
from valuescape.sim.plugins.registry import PLUGINS


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
        """Return the maps that are finished, and begin those that are missing or out of date.

        If the question waits, all of its maps are made with the answer.
        """
        self._drop_hidden({layer.name for layer in question.layers})
        for layer in question.layers:
            request = question.of_agents if layer.of_agents else question.request
            if layer.compute is not None and request is not None:
                yield from self._finished(layer, request, waits=question.waits)

    def _drop_hidden(self, shown: set[str]) -> None:
        """Leave out maps that are not shown any more; the one that is being computed goes when it is done."""
        for name in self._coming.keys() - shown:
            made = self._coming[name][1]
            if made.cancel() or made.done():
                del self._coming[name]

    def _finished(self, layer: MapLayer, request: MapRequest, *, waits: bool) -> Iterator[Answer]:
        name = layer.name
        if name not in self._coming and self._made.get(name) is not request:
            self._begin(layer, request)
        while name in self._coming and (waits or self._coming[name][1].done()):
            asked, made = self._coming.pop(name)
            self._made[name] = asked
            yield _answer(layer, asked, made.result())
            if asked is not request:
                self._begin(layer, request)

    def _begin(self, layer: MapLayer, request: MapRequest) -> None:
        self._coming[layer.name] = request, self._pool.submit(_compute, layer, request)

    def release(self) -> None:
        """Wait for the map that is being computed, and leave the others out."""
        self._pool.shutdown(cancel_futures=True)


def _compute(layer: MapLayer, request: MapRequest) -> Float32Array:
    assert layer.compute is not None
    with np.errstate(all="ignore"):
        return layer.compute(request)


def _answer(layer: MapLayer, request: MapRequest, values: Float32Array) -> Answer:
    legend = layer.legend(request.subject, request.insight)
    declared = PLUGINS.find(Kind.LAYER, layer.name)
    if declared and TROUBLE.is_off(declared):
        legend = replace(legend, meaning="switched off: its plug-in failed")
    if request.states is not None:
        legend = replace(legend, place=MEAN_OVER_AGENTS)
    return Answer(layer.name, values, legend=legend, request=request)
