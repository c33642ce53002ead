"""Findings while a run goes on: places and agents that are worth a look, found in another thread."""

import math
import time
from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from valuescape.gpu.heights import Bounds, on_ground
from valuescape.render.overlay.cards import Card
from valuescape.render.view.viewer import Viewer
from valuescape.run.stage import Stage
from valuescape.run_state import FindingList
from valuescape.sim.arrays import Float32Array
from valuescape.sim.insight.finders import (
    loops,
    overconfident_regions,
    stuck,
    underconfident_regions,
    unvisited_but_promised,
    value_cliffs,
)
from valuescape.sim.insight.regions import Region
from valuescape.sim.insight.signals import Critic
from valuescape.sim.shared.layout import Ending
from valuescape.sim.worlds import World

WATCHED, TICKS = 256, 300
"""Agents that are watched, the first ones, and the ticks that they are watched for."""

_EVERY_S = 3.0
_STUCK_TICKS = 100
_EACH = 3
"""Findings of a kind that are listed."""

_LISTED = 14
_AROUND = 0.25
"""Half the width of what is shown around a finding without a size, in half widths of the map."""

Box = tuple[float, float, float, float]
"""Low x, low y, high x, high y of the scene's ground."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A place to look at. box, place: around it, and the point in it that counts most, of the scene's ground.

    agent: the one it is about; None for a part of the map.
    """

    kind: str
    said: str
    box: Box
    place: tuple[float, float]
    agent: int | None = None

    def about(self, viewer: Viewer) -> bool:
        """Return whether it is about the agent or the place that is selected."""
        if self.agent is not None:
            return self.agent == viewer.selected
        return viewer.cell is not None and self.holds(viewer.cell)

    def holds(self, place: tuple[float, float]) -> bool:
        """Return whether a place of the ground is in it."""
        low_x, low_y, high_x, high_y = self.box
        return low_x <= place[0] <= high_x and low_y <= place[1] <= high_y


@dataclass(frozen=True, slots=True)
class Row:
    """The watched agents at a tick: state [state_dim, n], position [n, 2] on the map, reward, ending [n]."""

    tick: int
    state: Float32Array
    position: Float32Array
    reward: Float32Array
    ending: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class MapsNow:
    """Maps of a scene, [h, w], as far as there are any: value, visits, and the error with its certainty."""

    value: Float32Array | None
    visits: Float32Array | None
    error: Float32Array | None
    certain: NDArray[np.bool_] | None


class Findings:
    """Watches the agents of a stage, and lists what it finds; begins with the first look at the list.

    Performance: a tick copies five short rows; a search, every 3 s in its own thread, takes 0.2 s (two
    cores of an AMD EPYC).
    """

    def __init__(self, stage: Stage) -> None:
        self._stage, self._agents = stage, stage.config.agents.count
        self._wanted = False
        self._rows: deque[Row] = deque(maxlen=TICKS)
        self._pool: ThreadPoolExecutor | None = None
        self._coming: Future[list[Finding]] | None = None
        self._searched = -math.inf
        self.list: list[Finding] = []
        self.at: Finding | None = None

    def resize(self, agents: int) -> None:
        """Have another number of agents; what was found of those that are gone is left out."""
        self._agents = agents
        self._rows.clear()
        self.list = self._there(self.list)

    def _there(self, found: list[Finding]) -> list[Finding]:
        return [each for each in found if each.agent is None or each.agent < self._agents]

    def step(self, viewer: Viewer, steps: int) -> str:
        """Go to the next finding, or the one before; return what is to be said of it."""
        self._wanted = True
        if not self.list:
            return "looking for stuck agents, loops, cliffs and regions …"
        index = self._index(viewer)
        index = (index + steps) % len(self.list) if index is not None else 0
        return self.go_to(viewer, index)

    def go_to(self, viewer: Viewer, index: int) -> str:
        """Show a finding: select its agent or its middle, and move the cameras there.

        Returns what is to be said of it.
        """
        if not 0 <= index < len(self.list):
            return ""  # the list was renewed since
        found = self.at = self.list[index]
        low_x, low_y, high_x, high_y = found.box
        viewer.selected = found.agent
        viewer.point_at(found.place if found.agent is None else None)
        viewer.fit((low_x - _AROUND, low_y - _AROUND), (high_x + _AROUND, high_y + _AROUND))
        return f"finding {index + 1} of {len(self.list)}: {found.kind}, {found.said}"

    def update(self, viewer: Viewer, ticks: Iterable[int]) -> None:
        """Watch new ticks, and search again if it is time."""
        if not self._wanted:
            return
        for tick in ticks:
            self._watch(tick)
        if self._coming and self._coming.done():
            self.list, self._coming = self._there(self._coming.result()), None
        now = time.monotonic()
        if self._coming is None and now - self._searched > _EVERY_S and len(self._rows) > 1:
            self._searched = now
            self._pool = self._pool or ThreadPoolExecutor(1, "findings")
            plane = self._stage.scene.plane
            periodic = plane.variables[0].periodic, plane.variables[1].periodic
            rows, maps = tuple(self._rows), self._maps()
            self._coming = self._pool.submit(
                search, rows, maps, self._stage.critic, self._stage.engine.world, plane.bounds, periodic
            )

    def _watch(self, tick: int) -> None:
        engine, some = self._stage.engine, slice(0, WATCHED)
        rows = [engine.recent_row(name, tick, some) for name in ("state", "reward", "ending")]
        state, reward, ending = rows
        position = engine.row("trail_position", tick)[some].copy()
        if state is None or reward is None or ending is None or not engine.trail_intact(tick):
            self._rows.clear()  # a gap would look like a jump
            return
        self._rows.append(Row(tick, state, position, reward, ending))

    def _maps(self) -> MapsNow:
        fields = self._stage.scene.fields
        made = [fields.numbers.copy_of(name) for name in ("value", "density", "error")]
        certainty = made[2][1] if made[2] else None
        value, visits, error = (each[0] if each else None for each in made)
        return MapsNow(value, visits, error, None if certainty is None else certainty > 0.5)

    def _index(self, viewer: Viewer) -> int | None:
        """Return the finding that is selected in the list, on the map or as an agent."""
        kind = self.at.kind if self.at else ""
        meant = [index for index, found in enumerate(self.list) if found.about(viewer)]
        alike = [index for index in meant if self.list[index].kind == kind]
        if self.at in self.list and self.at.about(viewer):
            return self.list.index(self.at)
        return next(iter([*alike, *meant]), None)

    def listed(self, viewer: Viewer) -> FindingList:
        """Return the list for a look at the run."""
        said = tuple((each.kind, each.said) for each in self.list)
        return FindingList(self._wanted, said, self._index(viewer))

    def card(self, viewer: Viewer) -> Card | None:
        """Return the list as a card, the selected finding with an arrow; None before it is asked for."""
        if not self._wanted:
            return None
        at = self._index(viewer)
        begin = max(0, (at or 0) - _LISTED + 1)
        rows = tuple(
            (("→ " if index == at else "") + each.kind, each.said)
            for index, each in enumerate(self.list[begin : begin + _LISTED], begin)
        )
        note = "" if self.list else "Nothing found so far."
        return Card(f"findings: {len(self.list)} (N: next)", rows, note=note)

    def release(self) -> None:
        """Wait for a search."""
        if self._pool:
            self._pool.shutdown(cancel_futures=True)


def search(
    rows: Sequence[Row],
    maps: MapsNow,
    critic: Critic | None,
    world: World,
    bounds: Bounds,
    periodic: tuple[bool, bool],
) -> list[Finding]:
    """Return what is found in the rows and on the maps: regions first, then agents."""
    found = list(_regions(maps, periodic))
    if critic is None:
        return found
    ended = np.stack([each.ending != Ending.RUNNING for each in rows])
    ground = np.stack([on_ground(each.position, bounds) for each in rows])
    values = _values(rows, critic, world)
    satisfied = float(np.nanquantile(values, 0.9))
    for still in stuck(values, ticks=_STUCK_TICKS, ended=ended, satisfied=satisfied)[:_EACH]:
        said = f"agent {still.agent:,}, {still.last - still.first + 1} ticks"
        found.append(_of_agent("stuck", said, ground[-1, still.agent], still.agent))
    wraps = tuple((-1.0, 1.0) if each else None for each in periodic)
    for loop in loops(ground, ended=ended, wrap=(wraps[0], wraps[1]), longest=TICKS // 3)[:_EACH]:
        x, y = loop.centre
        box = x - loop.radius, y - loop.radius, x + loop.radius, y + loop.radius
        said = f"agent {loop.agent:,}, period {loop.period} ticks"
        found.append(Finding("loop", said, box, loop.centre, loop.agent))
    if critic.gamma is None:
        return found
    rewards = np.stack([each.reward for each in rows[1:]])
    cliffs = value_cliffs(values[:-1], rewards, gamma=critic.gamma, ended=ended[1:])
    for cliff in cliffs[:_EACH]:
        said = f"agent {cliff.agent:,}, {_number(cliff.before)} to {_number(cliff.after)}"
        found.append(_of_agent("cliff", said, ground[cliff.tick, cliff.agent], cliff.agent))
    return found


def _values(rows: Sequence[Row], critic: Critic, world: World) -> Float32Array:
    """Return the critic's values [ticks, agents]."""
    states = np.concatenate([each.state for each in rows], axis=1)
    obs = np.empty((len(world.obs), states.shape[1]), np.float32)
    world.observe(states, obs)
    return critic.value(obs).reshape(len(rows), -1)


def _regions(maps: MapsNow, periodic: tuple[bool, bool]) -> Iterable[Finding]:
    """Yield the regions of the maps."""
    if maps.error is not None and maps.certain is not None:
        x, y = (_centres(edge) for edge in maps.error.shape[::-1])
        over = overconfident_regions(maps.error, maps.certain, x=x, y=y, periodic=periodic)
        under = underconfident_regions(maps.error, maps.certain, x=x, y=y, periodic=periodic)
        for kind, some in (("overconfident", over), ("underconfident", under)):
            yield from (_of_region(kind, each, "V − G", maps.error.shape) for each in some[:_EACH])
    if maps.value is not None and maps.visits is not None:
        visits = maps.visits
        rows, columns = (np.arange(edge) for edge in visits.shape)
        at = np.ix_(rows * maps.value.shape[0] // len(rows), columns * maps.value.shape[1] // len(columns))
        x, y = _centres(visits.shape[1]), _centres(visits.shape[0])
        found = unvisited_but_promised(maps.value[at], visits, x=x, y=y, periodic=periodic)
        yield from (_of_region("unvisited", each, "V", visits.shape) for each in found[:_EACH])


def _of_region(kind: str, region: Region, title: str, shape: tuple[int, ...]) -> Finding:
    """Return the finding of a region of a map of that shape."""
    edges = np.array(shape)
    low, high = region.cells.min(axis=0) / edges * 2 - 1, (region.cells.max(axis=0) + 1) / edges * 2 - 1
    box = float(low[1]), float(low[0]), float(high[1]), float(high[0])
    said = f"{title} {_number(region.mean)}, {region.share:.1%} of the map"
    return Finding(kind, said, box, region.extreme_at)


def _of_agent(kind: str, said: str, place: Float32Array, agent: int) -> Finding:
    x, y = (float(each) for each in place)
    return Finding(kind, said, (x, y, x, y), (x, y), agent)


def _centres(cells: int) -> NDArray[np.float64]:
    """Return the middles of cells along the scene's ground."""
    return (np.arange(cells) + 0.5) / cells * 2 - 1


def _number(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")
