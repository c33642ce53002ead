"""`MapSource`: whatever makes the values of some map layers while a run goes on."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from valuescape.gpu.layers.layer import Legend, MapLayer
from valuescape.sim.arrays import Float32Array
from valuescape.sim.insight.subject import MapRequest


@dataclass(frozen=True, slots=True)
class Question:
    """The maps that are asked for in a frame.

    layers: those in the picture. request: their subject, place and size; the same object as long as nothing
    has changed that maps depend on. ticks: those that the scene took over with this frame. of_agents: the
    request with the agents' states, if a layer needs them and they are known. waits: the frame waits for maps
    that take a moment, as it does for its ticks. last: no ticks follow.
    """

    layers: frozenset[MapLayer]
    request: MapRequest
    ticks: range
    of_agents: MapRequest | None = None
    waits: bool = False
    last: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """New values of one map, and what its colour bar says, as `Scene.put_map` takes them.

    request: what they were made for; None of a map that depends neither on the slice nor on settings.
    """

    name: str
    values: Float32Array
    certainty: Float32Array | None = None
    legend: Legend | None = None
    request: MapRequest | None = None

    @property
    def about(self) -> object:
        """The slice, the settings and the subject that they were made for."""
        request = self.request
        return request and (request.plane, request.insight, request.subject)


class MapSource(Protocol):
    """Makes the values of some map layers.

    `answers` is called once a frame and takes 1 ms at most, unless the question waits.
    """

    def answers(self, question: Question) -> Iterable[Answer]:
        """Return the maps of the question that have other values than at the last call."""

    @property
    def doing(self) -> str:
        """What is being computed, as the picture says it: "truth 40 %"; "" if nothing is."""

    def release(self) -> None:
        """Stop what is being computed, and free everything."""
