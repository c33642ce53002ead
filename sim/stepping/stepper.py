"""One tick of one slice of agents: observe, act, step, and restart ended episodes. The plain path."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.arrays import Float32Array
from valuescape.sim.rng import Stream, uniform
from valuescape.sim.shared.arena import Arena
from valuescape.sim.shared.episodes import Endings, episodes_at, first_episodes, next_episodes
from valuescape.sim.shared.layout import EPISODE, Ending
from valuescape.sim.shared.turns import Turn, Turns
from valuescape.sim.stepping.acting import clipped, explore, random_actions
from valuescape.sim.stepping.parameters import give_parameters
from valuescape.sim.worlds import ArrayWorld, World
from valuescape.sim.worlds.base import ElementwiseWorld, Variable, full_step
from valuescape.sim.worlds.interacting import InteractingWorld
from valuescape.sim.worlds.parameters import spread_bits

ROW_ARRAYS = ("state", "action", "reward", "ending", "episode_return")
"""The arrays that a tick writes for every agent, beside its trail; the order of `Engine.state_hash`."""


class Policy(Protocol):
    """Turns observations into actions, in the world's units."""

    def act(self, obs: Float32Array, out: Float32Array) -> None:
        """Write actions to `out`, [action_dim, n] float32, for observations [obs_dim, n] float32."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of a run's ticks, beside the world and the policy.

    map_axes: the state variables that trails show. autoreset: agents
    whose episodes ended start in the next tick (Gymnasium's NEXT_STEP), or else wait for `Stepper.restart`.
    bfloat16: compiled policies multiply hidden units as bfloat16; as `choose.uses_bfloat16` says. tabulated:
    cells each way of the table that they read, which then follows the network's numbers in the arena; or 0.
    """

    map_axes: tuple[int, int]
    autoreset: bool = True
    bfloat16: bool = False
    tabulated: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """Views of one slice at one tick; names and dtypes as in `ArenaLayout.fields`, agents last."""

    state: NDArray[Any]
    action: NDArray[Any]
    reward: NDArray[Any]
    ending: NDArray[Any]
    episode_return: NDArray[Any]

    @property
    def endings(self) -> Endings:
        """The endings and returns of the agents' episodes."""
        return Endings(self.ending, self.episode_return)


class Stepper:
    """Steps the agents of `part` from any complete tick to the next, in the arena, for one seed.

    Tick k+1 is computed from tick k and counter-based random numbers alone, and written to other rows. So
    another process can repeat a step that was cut off, with the same result. An episode that ends in tick k
    shows its last state there; its agent starts again in tick k+1. Actions are the policy's. Without one they
    are those in `given_action`, if the arena has it, or uniform.

    A slice may be empty, of workers beyond the last block of agents; the world is then not called.
    """

    def __init__(self, arena: Arena, part: slice, world: World, policy: Policy | None, rules: Rules) -> None:
        self.arena = arena
        self.part = part
        self.world = world
        self.policy = policy
        self.rules = rules
        count = part.stop - part.start
        self.agent = np.arange(part.start, part.stop, dtype=np.uint64) + first_agent(arena)
        self.rows = [
            Row(*(arena[name][index % len(arena[name]), ..., part] for name in ROW_ARRAYS))
            for index in range(arena.layout.state_rows)
        ]
        self.records = arena["episodes"][part]
        self.episode_start = arena["episode_start"][part]
        self.start_key = arena["start_key"][part]
        self.parameters = arena["parameter"][:, part]
        if not spread_bits(world.ranges):
            self.parameters = self.parameters[:, :1]  # one for all: NumPy broadcasts it
        self.kept_obs = arena["obs"][..., part]
        self.trail_position = arena["trail_position"][:, part]
        self.trail_strand = arena["trail_strand"][:, part]
        self.obs = np.empty((len(world.obs), count), np.float32)
        self.terminated = np.empty(count, np.bool_)

    @property
    def seed(self) -> int:
        """The seed of all steppers of the arena; the main process sets it while none makes a tick."""
        return int(self.arena["main"][0]["seed"])

    @seed.setter
    def seed(self, seed: int) -> None:
        give_seed(self.arena, seed)
        give_parameters(self.arena, self.world)

    def row(self, tick: int) -> Row:
        """Return the views of `tick`."""
        return self.rows[tick % len(self.rows)]

    def initialise(self, tick: int = 0) -> None:
        """Write `tick` with every agent at the start of its episode 0."""
        if not len(self.agent):
            return
        row = self.row(tick)
        for name in ROW_ARRAYS:
            getattr(row, name)[:] = 0
        first_episodes(self.records, tick)
        self.episode_start[:] = tick & 0xFFFFFFFF
        self._start_states(np.arange(len(self.agent)), np.uint32(0), row.state)
        self._keep_obs(tick, row)
        self._leave_trail(tick, row, None)

    def step(self, tick: int) -> None:
        """Make tick + 1 from `tick`."""
        if not len(self.agent):
            return
        now, following = self.row(tick), self.row(tick + 1)
        action = self._actions(now, following, tick)
        self._advance(now, following, action, tick)
        self._count(now, following, tick)
        ended = now.ending != Ending.RUNNING
        if not self.rules.autoreset:
            ended[:] = False
        if ended.any():
            self._start_again(np.flatnonzero(ended), tick, tick + 1)
        self._keep_obs(tick + 1, following)
        self._leave_trail(tick + 1, following, ended)

    def step_to(self, tick: int, until: int) -> int:
        """Make ticks up to `until`, for a bounded time, but at least one; return the tick reached."""
        del until
        self.step(tick)
        return tick + 1

    def prepare(self, turns: Turns) -> None:
        """Compile or load what `run` needs, so that its first call is not slow."""
        turns.prepare()

    def run(self, turns: Turns, index: int, lead: int) -> Turn:
        """As worker `index`, make ticks while `turns` allows, for a bounded time; return why it stops."""
        turn = turns.wait(index, lead)
        if turn is not Turn.STEP:
            return turn
        tick = int(self.arena["worker"][index]["tick"])
        self.step(tick)
        turns.publish(index, tick + 1)
        return Turn.AGAIN

    def restart(self, who: NDArray[np.intp], tick: int) -> None:
        """Start the next episodes of agents `who` (indices into the slice) at `tick`; trails break there.

        For callers that reset agents themselves, while no worker steps the slice.
        """
        self._start_again(who, tick, tick)
        self._show(who, tick)

    def begin(
        self, who: NDArray[np.intp], tick: int, seed: int | NDArray[np.uint64], agent: NDArray[np.intp]
    ) -> None:
        """Start the agents `who` as other agents of other seeds, with their episode 0, at `tick` itself.

        seed: [len(who)] uint64, or one for all; agent: [len(who)]. Later episodes start as those agents' do,
        too. Raises IndexError if the arena keeps no keys, as without given actions.
        """
        key = np.empty(len(who), self.start_key.dtype)
        key["seed"], key["agent"] = seed, agent
        self.start_key[who] = key
        give_parameters(self.arena, self.world, who + self.part.start)
        records = np.empty((len(who), 2), EPISODE)
        first_episodes(records, tick)
        self.records[who] = records
        self._start(who, np.uint32(0), tick)
        self._show(who, tick)

    def place(self, who: NDArray[np.intp], tick: int, state: Float32Array) -> None:
        """Put the agents `who` at `state`, [state_dim, len(who)] float32, at `tick`; their episodes go on."""
        self.row(tick).state[:, who] = state
        self._show(who, tick)

    def draws_of(self, who: NDArray[np.intp], tick: int) -> Float32Array:
        """Return the draws, [reset_draws, len(who)], that the episodes of `who` at `tick` started from."""
        return self._reset_draws(who, episodes_at(self.records, self.row(tick).endings, tick).number[who])

    def _show(self, who: NDArray[np.intp], tick: int) -> None:
        """Write observations and map positions of agents that were moved at `tick`; break their trails."""
        row = self.row(tick)
        if self.kept_obs.shape[1]:
            obs = np.empty((len(self.obs), len(who)), np.float32)
            self.world.observe(row.state[:, who], obs)
            self.kept_obs[tick % len(self.rows)][:, who] = obs
        at = tick % len(self.trail_position)
        for column, axis in enumerate(self.rules.map_axes):
            self.trail_position[at, who, column] = on_map(row.state[axis, who], self.world.state[axis])
        self.trail_strand[at, who] += 1

    def _keep_obs(self, tick: int, row: Row) -> None:
        """Write the observations at `tick`, if the arena keeps them."""
        if self.kept_obs.shape[1]:
            self.world.observe(row.state, self.kept_obs[tick % len(self.rows)])

    def _actions(self, now: Row, following: Row, tick: int) -> NDArray[Any]:
        """Return the actions, [action_dim, n]: the given ones, or those of `following`, decided here."""
        if self.arena.layout.given_actions:
            return clipped(self.world.action, self.arena["given_action"][:, self.part])
        if self.world.action.dim:
            self._act(now, following.action, tick)
        return following.action

    def _act(self, now: Row, action: NDArray[Any], tick: int) -> None:
        key = self.seed, Stream.EXPLORATION, self.agent, 0, tick & 0xFFFFFFFF
        if self.policy is None:
            random_actions(self.world.action, key, action)
            return
        self.world.observe(now.state, self.obs)
        self.policy.act(self.obs, action)
        exploration = self.arena["main"][0]["exploration"]
        if exploration > 0:
            explore(self.world.action, exploration, key, action)

    def _start_states(self, who: NDArray[np.intp], number: Any, out: Float32Array) -> None:
        """Write the starts of episodes `number` of agents `who` to `out`, [state_dim, len(who)] float32."""
        assert isinstance(self.world, ArrayWorld | InteractingWorld)
        self.world.reset(self._reset_draws(who, number), out)

    def _reset_draws(self, who: NDArray[np.intp], episode: Any) -> Float32Array:
        count = self.world.reset_draws
        if len(self.start_key):
            key = self.start_key[who]
            return uniform(key["seed"], Stream.RESET, key["agent"], episode, 0, count)
        return uniform(self.seed, Stream.RESET, self.agent[who], episode, 0, count)

    def _advance(self, now: Row, following: Row, action: NDArray[Any], tick: int) -> None:
        """Have the world write the next states, rewards and terminations."""
        results = action, following.state, following.reward, self.terminated
        if isinstance(self.world, InteractingWorld):
            everyone = self.arena["state"][tick % len(self.rows)]
            self.world.step_among(everyone, self.part, *results)
        else:
            assert isinstance(self.world, ArrayWorld)
            full_step(self.world)(now.state, *results, self.parameters, self._step_draws(tick))

    def _step_draws(self, tick: int) -> Float32Array:
        """Return the draws that the world makes tick + 1 with, [step_draws, n] float32.

        Agents with keys of their own have the same in an episode whenever it begins.
        """
        count = self.world.step_draws
        if not count or not len(self.start_key):
            return uniform(self.seed, Stream.DYNAMICS, self.agent, 0, tick & 0xFFFFFFFF, count)
        now = episodes_at(self.records, self.row(tick).endings, tick)
        key = self.start_key
        return uniform(key["seed"], Stream.DYNAMICS, key["agent"], now.number, now.step, count)

    def _count(self, now: Row, following: Row, tick: int) -> None:
        """Add up the rewards, and write which episodes terminate or are truncated."""
        np.add(now.episode_return, following.reward, out=following.episode_return)
        step = np.uint32((tick + 1) & 0xFFFFFFFF) - self.episode_start
        truncated = step >= self.world.max_episode_steps
        following.ending[:] = np.where(self.terminated, Ending.TERMINATED, truncated * Ending.TRUNCATED)

    def _start_again(self, who: NDArray[np.intp], ended: int, began: int) -> None:
        """Start the next episodes of agents `who`, whose last ones ended in tick `ended`, at tick `began`."""
        self._start(who, next_episodes(self.records, who, self.row(ended).endings, ended, began), began)

    def _start(self, who: NDArray[np.intp], number: Any, began: int) -> None:
        """Write the starts of episodes `number` of agents `who` to tick `began`."""
        start = np.empty((len(self.world.state), len(who)), np.float32)
        self._start_states(who, number, start)
        row = self.row(began)
        row.state[:, who] = start
        row.action[:, who] = 0
        for values in (row.reward, row.ending, row.episode_return):
            values[who] = 0
        self.episode_start[who] = began & 0xFFFFFFFF

    def _leave_trail(self, tick: int, row: Row, ended: NDArray[np.bool_] | None) -> None:
        """Write map positions; strands break where agents restart (`ended`) or cross a periodic edge."""
        rows = len(self.trail_position)
        position = self.trail_position[tick % rows]
        crossed = np.zeros(len(position), np.bool_)
        for column, axis in enumerate(self.rules.map_axes):
            variable = self.world.state[axis]
            position[:, column] = on_map(row.state[axis], variable)
            if variable.periodic and ended is not None:
                before = self.trail_position[(tick - 1) % rows, :, column]
                span = np.float32(variable.high - variable.low)
                crossed |= np.abs(position[:, column] - before) > span / 2
        strand = self.trail_strand[tick % rows]
        if ended is None:
            strand[:] = 0
        else:
            np.add(self.trail_strand[(tick - 1) % rows], ended | crossed, out=strand, casting="unsafe")


def on_map(x: Float32Array, variable: Variable) -> Float32Array:
    """Return the places of the values `x`, [n], on the axis of `variable`: wrapped if it is periodic."""
    if not variable.periodic:
        return x
    low, span = np.float32(variable.low), np.float32(variable.high - variable.low)
    inside: Float32Array = x - np.floor((x - low) / span) * span
    return inside


def give_exploration(arena: Arena, exploration: float) -> None:
    """Set how much actions differ from the policy's, as `policy.exploration`; not while a tick is made."""
    arena["main"][0]["exploration"] = exploration


def give_first_agent(arena: Arena, number: int) -> None:
    """Set the number that the arena's first agent has in the run; its randomness follows from it.

    To be called before steppers are made and parameters given.
    """
    arena["main"][0]["first_agent"] = number


def first_agent(arena: Arena) -> np.uint64:
    """Return the number of the arena's first agent in the run."""
    return np.uint64(arena["main"][0]["first_agent"])


def give_seed(arena: Arena, seed: int) -> None:
    """Set the seed, 64 bits, from which all randomness of the arena's agents follows."""
    arena["main"][0]["seed"] = seed
    key = arena["start_key"]
    key["seed"], key["agent"] = seed, np.arange(len(key))


def observes_state(world: World) -> bool:
    """Return whether agents of `world` observe their state itself."""
    if isinstance(world, ElementwiseWorld):
        return type(world).observation is ElementwiseWorld.observation
    return type(world).observe is World.observe
