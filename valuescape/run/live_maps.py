"""Maps that the processor computes while a run goes on: joins their sources with the scene."""

from collections.abc import Iterable

from valuescape.render.scene.scene import Scene
from valuescape.run.map_sources.computed import ComputedMaps
from valuescape.run.map_sources.crowd import CrowdMaps
from valuescape.run.map_sources.source import MapSource, Question
from valuescape.sim.config.insight_section import InsightConfig
from valuescape.sim.insight.plane import MapPlane
from valuescape.sim.insight.subject import MapRequest, Subject


class LiveMaps:
    """Keeps the maps of a scene up to date that have the input ARRAY, as long as they are shown.

    insight: the current values of its settings; set it, and maps that depend on them are made again.
    crowd: the source of what the run's agents show, None without a critic; released with this.
    """

    def __init__(self, subject: Subject, crowd: CrowdMaps | None = None) -> None:
        self.insight: InsightConfig = subject.config.insight
        self._subject = subject
        self._request: MapRequest | None = None
        self.crowd = crowd
        self._sources: tuple[MapSource, ...] = (ComputedMaps(), *([crowd] if crowd else []))

    @property
    def doing(self) -> str:
        """What is being computed; "" if nothing is."""
        return ", ".join(filter(None, (each.doing for each in self._sources)))

    def update(
        self, scene: Scene, names: Iterable[str], ticks: range, *, waits: bool = False, last: bool = False
    ) -> None:
        """Bring maps up to date. names: those in the picture. ticks: those that the scene took over last.

        waits, last: as in `Question`.
        """
        layers = frozenset(scene.fields.layers_of(names))
        question = Question(layers, self._request_for(scene.plane), ticks, waits, last)
        for source in self._sources:
            for answer in source.answers(question):
                scene.put_map(answer.name, answer.values, answer.certainty)
                scene.fields.meanings[answer.name] = answer.meaning

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
