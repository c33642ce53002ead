"""Maps that the processor computes while a run goes on: joins their sources with the scene."""

import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace

from valuescape.gpu.layers.layer import MapLayer
from valuescape.render.scene.scene import Scene
from valuescape.run.map_sources.agent_states import AgentStates
from valuescape.run.map_sources.computed import ComputedMaps
from valuescape.run.map_sources.crowd import CrowdMaps
from valuescape.run.map_sources.source import MapSource, Question
from valuescape.run.map_sources.truth import TruthMaps
from valuescape.sim.arrays import Float32Array
from valuescape.sim.config.insight_section import InsightConfig
from valuescape.sim.engine import Engine
from valuescape.sim.insight.signals import Value
from valuescape.sim.insight.subject import MapRequest, Subject

_TRIED_CELLS = 2
"""Cells along each edge of a map that is computed on trial."""

_FINISH_S, _LOOK_S = 120.0, 0.05
"""Seconds that the last picture of a run waits for maps, and those between two looks at them."""


class LiveMaps:
    """Keeps the maps of a scene up to date that have the input ARRAY, as long as they are shown.

    engine: lent; its agents' states make the maps that are means over agents. insight: the current values of
    its settings; set it, and maps that depend on them are made again. crowd: the source of what the agents'
    own episodes show, None without a critic; released with this. critic: V(s) as the picture shows it; None
    without one.
    """

    def __init__(
        self,
        subject: Subject,
        engine: Engine,
        crowd: CrowdMaps | None = None,
        critic: Value | None = None,
    ) -> None:
        self.insight: InsightConfig = subject.config.insight
        self.truth = TruthMaps(critic)
        self._subject = subject
        self._scene: Scene | None = None
        self._request: MapRequest | None = None
        self._agents = AgentStates(engine)
        self._of_agents: tuple[MapRequest | None, MapRequest | None] = None, None
        self.crowd = crowd
        self._sources: tuple[MapSource, ...] = (
            ComputedMaps(),
            self.truth,
            *([crowd] if crowd else []),
        )

    def take_subject(self, subject: Subject, critic: Value | None) -> None:
        """Make maps of another checkpoint or world from now on; those of the one before stay until then."""
        self._subject, self._request = subject, None
        self._of_agents = None, None
        self.truth.take_critic(critic)

    @property
    def doing(self) -> str:
        """What is being computed; "" if nothing is."""
        return ", ".join(filter(None, (each.doing for each in self._sources)))

    @property
    def agents_seen(self) -> int:
        """The tick whose states make the maps that are means over agents; -1 without one."""
        return self._agents.tick

    def see_agents(self, tick: int) -> None:
        """Make maps that are means over agents of their states at a recent tick, from now on."""
        self._agents.see(tick)

    def update(
        self, scene: Scene, names: Iterable[str], ticks: range, *, waits: bool = False, last: bool = False
    ) -> None:
        """Bring maps up to date.

        names: those in the picture. ticks: those that the scene took over last. waits: for maps that take a
        moment. last: no ticks follow.
        """
        layers = frozenset(scene.fields.layers_of(names))
        request, of_agents = self._requests(scene, layers, in_lockstep=waits)
        question = Question(layers, request, ticks, of_agents, waits, last)
        scene.fields.numbers.about = request.plane, request.insight, request.subject
        for source in self._sources:
            for answer in source.answers(question):
                scene.put_map(answer.name, answer.values, answer.certainty, answer.legend, answer.about)

    def try_maps(self, scene: Scene, names: Iterable[str]) -> None:
        """Compute a few cells of these maps, to know whether they can be; not of those of agents' states.

        Raises what they raise.
        """
        request = MapRequest(self._subject, self.insight, scene.plane, _TRIED_CELLS)
        for layer in scene.fields.layers_of(names):
            if layer.compute is not None and not layer.of_agents:
                layer.compute(request)

    def finish(self, scene: Scene, names: Collection[str], go_on: Callable[[], bool] = lambda: True) -> None:
        """Wait for the maps in the last picture: two minutes at most, and only while `go_on` returns True."""
        end = time.monotonic() + _FINISH_S
        while self.doing and go_on() and time.monotonic() < end:
            time.sleep(_LOOK_S)
            self.update(scene, names, range(0), waits=True)

    def _requests(
        self, scene: Scene, layers: frozenset[MapLayer], *, in_lockstep: bool
    ) -> tuple[MapRequest, MapRequest | None]:
        """Return the request for maps, and the one with the agents' states if a layer needs it."""
        request = self._request_for(scene)
        marginal = self.insight.marginal and len(self._subject.world.state) > 2
        if not (marginal or any(layer.of_agents for layer in layers)):
            return request, None
        of_agents = self._request_of_agents(request, self._agents.look(in_lockstep=in_lockstep))
        return (of_agents if marginal and of_agents else request), of_agents

    def _request_for(self, scene: Scene) -> MapRequest:
        """Return the request for maps, the same object as long as nothing has changed."""
        last, plane = self._request, scene.plane
        if (
            last is None
            or scene is not self._scene
            or last.plane is not plane
            or last.insight is not self.insight
        ):
            edge = self._subject.config.heatmap.resolution
            last = self._request = MapRequest(self._subject, self.insight, plane, edge)
            self._scene = scene
        return last

    def _request_of_agents(self, request: MapRequest, states: Float32Array | None) -> MapRequest | None:
        """Return the request with the agents' states; None as long as they have not been seen."""
        if states is None:
            return None
        asked, last = self._of_agents
        if last is None or asked is not request or last.states is not states:
            last = replace(request, states=states)
            self._of_agents = request, last
        return last

    def release(self) -> None:
        """Stop everything that is being computed."""
        for source in self._sources:
            source.release()
