"""The inspection of agents: the selected one, and those that pass through a box."""

from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from valuescape.gpu.heights import on_ground
from valuescape.render.overlay.cards import Card
from valuescape.render.view.panes import pane_at, panes
from valuescape.render.view.picking import Positions, nearest, on_screen
from valuescape.render.view.selection import Selection, within
from valuescape.render.view.viewer import Viewer
from valuescape.run.cell import SelectedCell
from valuescape.run.findings import Findings
from valuescape.run.pointing import Pointing
from valuescape.run.stage import Stage
from valuescape.sim.engine import Engine
from valuescape.sim.insight.signal_kinds import TD_ERROR, VALUE
from valuescape.sim.insight.signals import Signals
from valuescape.sim.worlds.base import DiscreteAction, MultiDiscreteAction

_REACH_PX = 18.0
"""Greatest distance between a click and the agent it selects, logical pixels."""

_CUT_S = 0.25
"""Simulated seconds between two slices at the selected agent's state; each computes a whole field."""

_LISTED = 8
"""Greatest number of agents that the card of a box names."""

_PARTS = 6
"""Greatest number of an action's parts that the card of an agent has room for."""

_NEVER = np.iinfo(np.int64).min // 2


class Inspection:
    """Follows the selected agent and the box of a stage, tick by tick, and describes them on cards."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._engine: Engine = stage.engine
        self._take_stage()
        self._pointing = Pointing(stage)
        self._cell = SelectedCell(stage)
        self.findings = Findings(stage)
        self._box: Selection | None = None
        self._passing: Passing | None = None
        self._cut_at: tuple[int, int] | None = None  # agent, and the number of the interval of ticks
        self._ticks_per_cut = max(1, round(stage.config.sim.ticks_per_s * _CUT_S))

    def _take_stage(self) -> None:
        stage, engine = self._stage, self._engine
        self._bounds = stage.scene.plane.bounds
        self._signals = {
            signal: Signals(signal, engine.world, engine, engine.rules.map_axes, stage.critic)
            for signal in (VALUE, TD_ERROR)
            if signal.name in stage.trail_colors
        }

    def keep_up(self, viewer: Viewer) -> None:
        """Take over a change that the stage has taken over: an agent that is gone is selected no more."""
        agents = self._engine.config.agents.count
        self._take_stage()
        if viewer.selected is not None and viewer.selected >= agents:
            viewer.selected, viewer.following = None, False
        if self._passing:
            self._passing.resize(agents)
        self.findings.resize(agents)

    def select(self, viewer: Viewer, x: float, y: float, size_px: tuple[int, int]) -> None:
        """Select the agent nearest to pixel (x, y) of the picture; none if none is near."""
        tick = self._stage.scene.trails.ring.newest
        points = self._stage.scene.points(self._engine.whole_row("trail_position", tick).copy())
        pane = pane_at(x, size_px, split=viewer.split)
        matrix = viewer.matrix(pane.size_px, self._stage.scene.plot(split=viewer.split))
        pixels = on_screen(points, matrix, pane.size_px)
        viewer.selected = nearest(pixels, (x - pane.left, y), _REACH_PX * self._stage.pixel_scale)
        viewer.following = viewer.following and viewer.selected is not None

    def probe(self, viewer: Viewer, x: float, y: float, size_px: tuple[int, int]) -> None:
        """Select the place of the map at pixel (x, y) of the picture; none off the map."""
        pane = pane_at(x, size_px, split=viewer.split)
        viewer.point_at(self._pointing.place_at(viewer, (x - pane.left, y), pane.size_px))

    def enclose(self, viewer: Viewer, size_px: tuple[int, int]) -> None:
        """Make a box of the frame that was dragged over the height field."""
        low, high = (np.array(corner, np.float32) for corner in self._bounds)

        def lift(ground: Positions) -> Positions:
            return self._stage.scene.points(low + (ground + 1) / 2 * (high - low))

        pane = panes(size_px, split=viewer.split)[0]
        viewer.take_frame(pane.size_px, lift, self._stage.scene.plot(split=viewer.split))

    def fit(self, viewer: Viewer) -> None:
        """Fit the view to all agents but the outermost hundredth on each side."""
        positions = self._engine.row("trail_position", self._stage.scene.trails.ring.newest)
        ground = on_ground(positions, self._bounds)
        ground = ground[np.isfinite(ground).all(axis=1)]
        if len(ground):
            low, high = np.percentile(ground, [1, 99], axis=0)
            viewer.fit((float(low[0]), float(low[1])), (float(high[0]), float(high[1])))

    def update(self, viewer: Viewer, ticks: range, *, waits: bool = False) -> None:
        """Take new ticks into account: highlight agents, follow one, slice the landscape at its state.

        waits: for the way from the selected place, and for the newest numbers at the pointer.
        """
        if viewer.box != self._box:
            self._box = viewer.box
            self._passing = Passing(self._engine, viewer.box, self._bounds) if viewer.box else None
        if self._passing:
            self._passing.update(ticks)
        self._stage.scene.highlight(self._highlighted(viewer))
        if viewer.following and viewer.selected is not None:
            place = self._place(viewer.selected)
            if place:
                viewer.follow(*place)
        self._cut(viewer.selected)
        size = panes(self._stage.scene.picture.size, split=viewer.split)[0].size_px
        self.findings.update(viewer, ticks)
        self._cell.update(viewer, waits=waits)
        viewer.cross = self._pointing.cross(viewer, size, waits=waits)

    def complete(self, viewer: Viewer) -> None:
        """Wait for the way from the selected place."""
        self._cell.update(viewer, waits=True)

    def _highlighted(self, viewer: Viewer) -> NDArray[np.intp]:
        if viewer.selected is not None:
            return np.array([viewer.selected], np.intp)
        return self._passing.passed() if self._passing else np.zeros(0, np.intp)

    def _place(self, agent: int) -> tuple[float, float] | None:
        """Return where an agent is on the scene's ground; None if that is gone."""
        position = self._engine.place_of(agent, self._stage.scene.trails.ring.newest)
        if position is None:
            return None
        x, y = on_ground(position[None], self._bounds)[0]
        return float(x), float(y)

    def _cut(self, agent: int | None) -> None:
        """Slice the landscape at the state of the selected agent, if states have more than two variables."""
        world = self._engine.world
        if len(world.state) <= 2:
            return
        if agent is None:
            if self._cut_at:
                self._cut_at = None
                self._stage.reset_slice()
            return
        tick = self._engine.newest_tick
        if (agent, tick // self._ticks_per_cut) == self._cut_at:
            return
        state = self._engine.recent_row("state", tick, slice(agent, agent + 1))
        if state is not None:
            self._cut_at = agent, tick // self._ticks_per_cut
            self._stage.move_slice(tuple(float(value) for value in state[:, 0]))

    def cards(self, viewer: Viewer) -> tuple[Card, ...]:
        """Return a card for the selected agent, the box and the selected place, as far as there are any."""
        cards = []
        if viewer.selected is not None:
            cards.append(self._agent_card(viewer.selected, viewer.following))
        if self._passing:
            cards.append(self._box_card(self._passing))
        if cell := self._cell.card():
            cards.append(cell)
        if listed := self.findings.card(viewer):
            cards.append(listed)
        return tuple(cards)

    def release(self) -> None:
        """Wait for what is being computed."""
        self._cell.release()
        self.findings.release()

    def _agent_card(self, agent: int, followed: bool) -> Card:
        engine, tick = self._engine, self._tick_of(agent)
        rows = {
            name: engine.recent_row(name, tick, slice(agent, agent + 1))
            for name in ("state", "action", "reward", "episode_return")
        }
        said = []
        if rows["state"] is not None:
            for variable, value in zip(engine.world.state, rows["state"][:, 0], strict=True):
                said.append((variable.name, f"{_number(value)} {variable.unit}".rstrip()))
        if rows["action"] is not None:
            said.append(("action", self._action(rows["action"][:, 0])))
        said += [(each.scale.title, _number(each.of_agent(tick, agent))) for each in self._signals.values()]
        for name, title in (("reward", "reward"), ("episode_return", "return so far")):
            row = rows[name]
            if row is not None:
                said.append((title, _number(row[0])))
        with suppress(LookupError):
            episode = engine.episode_of(agent, tick)
            said += [("episode", f"{episode.number:,}"), ("step", f"{episode.step:,}")]
        title = f"agent {agent:,}" + (", followed" if followed else "")
        return Card(title, tuple(said))

    def _tick_of(self, agent: int) -> int:
        """Return the tick to tell an agent's state at: the one shown, if it is recent; else the newest."""
        shown = self._stage.scene.trails.ring.newest
        known = shown >= 0 and self._engine.recent_row("reward", shown, slice(agent, agent + 1)) is not None
        return shown if known else self._engine.newest_tick

    def _action(self, action: NDArray[np.float32]) -> str:
        space = self._engine.world.action
        if isinstance(space, DiscreteAction):
            return space.names[int(action[0])]
        if isinstance(space, MultiDiscreteAction):
            said = [part.names[int(index)] for part, index in zip(space.parts, action, strict=True)]
        else:
            parts = zip(space.variables, action, strict=True)
            said = [f"{_number(value)} {variable.unit}".rstrip() for variable, value in parts]
        return ", ".join([*said[:_PARTS], *[f"… ({len(said)})"] * (len(said) > _PARTS)])

    def _box_card(self, passing: "Passing") -> Card:
        inside_now, passed = passing.inside(), passing.passed()
        named = ", ".join(f"{agent:,}" for agent in inside_now[:_LISTED])
        more = ", …" if len(inside_now) > _LISTED else ""
        return Card(
            "box",
            (
                ("agents inside", f"{len(inside_now):,}"),
                (f"passed in {passing.memory} ticks", f"{len(passed):,}"),
                ("inside now", (named + more) or "none"),
            ),
        )


class Passing:
    """Agents that are in a box of the map, and those that were there within the ticks of a trail.

    box: (x_low, y_low, x_high, y_high) of the scene's ground, -1 to 1. bounds: lower and upper corner of the
    map, in the units of its axes.
    """

    def __init__(
        self, engine: Engine, box: Selection, bounds: tuple[tuple[float, float], tuple[float, float]]
    ) -> None:
        self._engine, self._box, self._bounds = engine, box, bounds
        self.memory = engine.config.trails.length
        self._newest = engine.newest_tick
        self._last = np.full(engine.config.agents.count, _NEVER)
        self.update(range(max(0, self._newest - self.memory + 1), self._newest + 1))

    def resize(self, agents: int) -> None:
        """Have another number of agents; those that stay were where they were."""
        stay = self._last[:agents]
        self._last = np.concatenate([stay, np.full(agents - len(stay), _NEVER)])

    def update(self, ticks: range) -> None:
        """Take more ticks into account; of more than `memory` ticks the newest."""
        for tick in ticks[-self.memory :]:
            positions = self._engine.row("trail_position", tick).copy()
            if self._engine.trail_intact(tick):
                inside = np.flatnonzero(within(on_ground(positions, self._bounds), self._box))
                self._last[inside if self._engine.kept is None else self._engine.kept[inside]] = tick
                self._newest = max(self._newest, tick)

    def inside(self) -> NDArray[np.intp]:
        """Return the agents in the box now, [n] indices, ascending."""
        return np.flatnonzero(self._last == self._newest)

    def passed(self) -> NDArray[np.intp]:
        """Return the agents that were in the box within `memory` ticks, [n] indices, ascending."""
        return np.flatnonzero(self._last > self._newest - self.memory)


def _number(value: float) -> str:
    """Return a number with three significant digits; a dash if it is unknown."""
    return "–" if not np.isfinite(value) else f"{value:.3g}".replace("-", "−")
