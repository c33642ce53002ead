"""Maps that the processor computes while a run goes on: joins their sources with the scene."""

from collections.abc import Iterable

from valuescape.render.scene.scene import Scene
from valuescape.run.map_sources.computed import ComputedMaps
from valuescape.run.map_sources.source import MapSource, Question
from valuescape.sim.config.insight_section import InsightConfig
from valuescape.sim.insight.plane import MapPlane
from valuescape.sim.insight.subject import MapRequest, Subject


class LiveMaps:
    """Keeps the maps of a scene up to date that have the input ARRAY, as long as they are shown.

    insight: the current values of its settings; set it, and maps that depend on them are made again.
    """

    def __init__(self, subject: Subject) -> None:
        self.insight: InsightConfig = subject.config.insight
        self._subject = subject
        self._request: MapRequest | None = None
        self._sources: tuple[MapSource, ...] = (ComputedMaps(),)

    @property
    def doing(self) -> str:
        """What is being computed; "" if nothing is."""
        return ", ".join(filter(None, (each.doing for each in self._sources)))

    def update(self, scene: Scene, names: Iterable[str], ticks: range) -> None:
        """Bring maps up to date. names: those in the picture. ticks: those that the scene took over last."""
        layers = frozenset(scene.fields.layers_of(names))
        question = Question(layers, self._request_for(scene.plane), ticks)
        for source in self._sources:
            for answer in source.answers(question):
                scene.put_map(answer.name, answer.values, answer.certainty)

    def _request_for(self, plane: MapPlane) -> MapRequest:
        """Return the request for maps, the same object as long as nothing has changed."""
        last = self._request
        if last is None or last.plane is not plane or last.insight is not self.insight:
            edge = self._subject.config.heatmap.resolution
            self._request = MapRequest(self._subject, self.insight, plane, edge)
        assert self._request is not None
        return self._request

    def release(self) -> None:
        """Stop everything that is being computed."""
        for source in self._sources:
            source.release()
