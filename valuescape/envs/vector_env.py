"""A crowd of agents as Gymnasium's VectorEnv: actions in, observations out, through shared memory."""

import os
import weakref
from enum import Enum
from typing import Any, NamedTuple

import numpy as np
from gymnasium.error import (
    AlreadyPendingCallError,
    ClosedEnvironmentError,
    NoAsyncCallError,
    ResetNeeded,
)
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space
from numpy.typing import ArrayLike, NDArray

from valuescape.envs.attributes import SharedAttributes
from valuescape.envs.crowd_image import crowd_image
from valuescape.envs.spaces import make_spec, single_action_space, single_observation_space, world_of
from valuescape.envs.starts import Seed, Starts
from valuescape.sim.config.files import Config, load_config
from valuescape.sim.engine import Engine
from valuescape.sim.errors import UsageError
from valuescape.sim.shared.arena import Arena
from valuescape.sim.stepping.choose import uses_simd
from valuescape.sim.stepping.exchange import Exchange
from valuescape.sim.worlds import World

BoolArray = NDArray[np.bool_]
Float32Array = NDArray[np.float32]
Indices = NDArray[np.intp]
StepResult = tuple[Float32Array, NDArray[Any], BoolArray, BoolArray, dict[str, Any]]


class _Phase(Enum):
    """Which calls are in order."""

    NEW = 0  # only reset
    READY = 1
    PENDING = 2  # a step was begun
    CLOSED = 3


_READY, _PENDING = _Phase.READY, _Phase.PENDING  # looked up in every step


class _Row(NamedTuple):
    """Views of one row of the rings, with agents first."""

    obs: Float32Array  # [num_envs, obs_dim], transposed
    reward: Float32Array
    ending: NDArray[np.uint8]
    terminated: BoolArray  # private to this process
    truncated: BoolArray


class CrowdVectorEnv(SharedAttributes):
    """`num_envs` agents of one world; make it with `valuescape.make_vec`.

    Steps are those of Gymnasium's SyncVectorEnv, in float32, with these differences. One seed serves all
    environments, whose random numbers differ by their index. Actions outside a Box are clipped before
    anything is made of them, the reward too. The only infos are `final_obs`, `final_info` and their masks.

    copy=True: what `reset` and `step` return is new; obs [num_envs, obs_dim] float32 lies in C order, rewards
    are float64, as Gymnasium's are.
    copy=False: they return views and copy nothing. obs is shared memory, transposed (agents innermost),
    rewards are float32, terminations and truncations bool. The views keep still during the next `step` and
    are overwritten by the one after that; `reset` overwrites those that were returned last. Do not write to
    them: the next step starts from what is there.

    `action_buffer` is the shared memory that actions are read from, float32 [num_envs, action_dim]; fill it
    and call `step(vec.action_buffer)`, and no action is copied. A worker that dies is replaced, and the step
    made as if nothing had happened. One that is dropped without `close` is closed when Python collects it.
    """

    def __init__(
        self,
        id: str,  # noqa: A002 (Gymnasium's name for it)
        num_envs: int,
        num_workers: int,
        seed: int = 0,
        *,
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        copy: bool = True,
        render_mode: str | None = None,
    ) -> None:
        """As `valuescape.make_vec`, which needs no Gymnasium to be called; returns when workers are ready."""
        self.closed = True  # as long as there is nothing to close
        self.mode = AutoresetMode(autoreset_mode)
        self._same_step = self.mode is AutoresetMode.SAME_STEP
        self._disabled = self.mode is AutoresetMode.DISABLED
        self.copy = copy
        self.num_envs = num_envs
        world = world_of(id)
        self.metadata = {
            "render_modes": ["rgb_array"],
            "render_fps": max(1, round(1 / world.step_s)),
            "autoreset_mode": self.mode,
        }
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise UsageError(
                f"make_vec: render_mode={render_mode!r} is unknown", "expected rgb_array, or None"
            )
        self.render_mode = render_mode
        arguments = {
            "num_workers": num_workers,
            "seed": seed,
            "autoreset_mode": self.mode.value,
            "copy": copy,
        }
        self.spec = make_spec(world, arguments | {"render_mode": render_mode})
        self._start(world, num_workers, seed)
        self._np_random, self._np_random_seed = seeding.np_random(int(seed))
        self.single_observation_space = single_observation_space(world)
        self.single_action_space = single_action_space(world)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._actions_shape: tuple[int, ...] = self.action_space.shape

    def _start(self, world: World, num_workers: int, seed: int) -> None:
        config = load_config(
            None,
            [
                f"world.name={world.name}",
                f"agents.count={self.num_envs}",
                f"workers.count={num_workers}",
                f"run.seed={seed}",
                "sim.ticks_per_s=0",
                "trails.length=2",
            ],
        )
        autoreset = self.mode is AutoresetMode.NEXT_STEP
        self.engine = Engine(config, None, given_actions=True, autoreset=autoreset)
        self._finalizer = weakref.finalize(self, _close_where_made, self.engine, os.getpid())
        self.closed = False
        try:
            self.engine.wait_ready()
            self.engine.advance_to(0)  # makes nothing, but finds or compiles the code that asks for ticks
            self._exchange = make_exchange(config, self.engine.arena, world)
        except BaseException:
            self.close()
            raise
        self._restarter = self.engine.stepper()
        self.action_buffer: Float32Array = self._exchange.given.T
        self._rows = [self._row(tick) for tick in range(self.engine.arena.layout.state_rows)]
        self._waiting = np.zeros(self.num_envs, np.bool_)  # DISABLED: who must be reset
        self._tick = 0
        self._phase = _Phase.NEW
        self._notes = set()

    def _row(self, tick: int) -> _Row:
        reward, ending = self.engine.row("reward", tick), self.engine.row("ending", tick)
        terminated, truncated = self._exchange.flags[tick]
        return _Row(self._exchange.obs[tick].T, reward, ending, terminated, truncated)

    def reset(
        self, *, seed: Seed = None, options: dict[str, Any] | None = None
    ) -> tuple[Float32Array, dict[str, Any]]:
        """Start new episodes and return the observations, [num_envs, obs_dim], and no info.

        seed: one number, and all environments start as in a new crowd of that seed; or one for each
        environment, which then does as environment 0 of a crowd of that seed does. None, alone or in the
        list: it goes on to its next episode, at first to the first of `make_vec`'s seed.
        options: `reset_mask`, [num_envs] bool, names who resets; the bounds of Gymnasium's world of that name
        (`low` and `high`, the pendulum's `x_init` and `y_init`) hold for the starts that this call makes.
        Raises ValueError or TypeError for a seed that is no 64-bit number, other options, or an odd mask.
        """
        self._require(reset=True)
        starts = Starts.of(seed, options, self.num_envs, self.engine.world.name)
        mask = starts.mask
        if self._phase is _Phase.NEW and mask is not None and not mask.all():
            raise ResetNeeded("reset with a reset_mask: the first reset is of all environments")
        super().reset(seed=starts.seed if starts.all_by_one_seed else None)
        starts.apply(self._restarter, self._tick, new=self._phase is _Phase.NEW)
        self._waiting[True if mask is None else mask] = False
        self._phase = _Phase.READY
        if not self.copy:
            return self._rows[self._tick % len(self._rows)].obs, {}
        obs = np.empty(self.observation_space.shape, np.float32)
        self._exchange.observations(self._tick, obs)
        return obs, {}

    def step(self, actions: ArrayLike) -> StepResult:
        """Advance every environment; return obs, rewards, terminations, truncations and infos.

        actions: [num_envs, action_dim] of a Box, or [num_envs] indices of a Discrete; `action_buffer` is
        taken as it is. Raises ValueError for another shape, for NaN or an index that is none, naming the
        environment; ResetNeeded before the first reset, and with autoreset disabled if an episode has ended.
        """
        if self._phase is not _READY:
            self._require()
        self._give(actions)
        self._phase = _PENDING
        return self._finish()

    def step_async(self, actions: ArrayLike) -> None:
        """Begin a step and return at once; workers make it meanwhile. `step_wait` must follow."""
        self._require()
        self._give(actions)
        self._phase = _Phase.PENDING
        self.engine.run_until(self._tick + 1)

    def step_wait(self) -> StepResult:
        """Return what the step that `step_async` began has come to. Raises NoAsyncCallError without one."""
        if self._phase is not _Phase.PENDING:
            self._require(reset=True)
            raise NoAsyncCallError("step_wait without a step_async before it", "step")
        return self._finish()

    def render(self) -> tuple[NDArray[np.uint8], ...] | None:
        """Return one picture, [height, width, 3] uint8, in a tuple: the world's map, every agent a dot.

        There is one for all environments, not one each. None unless `render_mode` is "rgb_array".
        """
        self._require(reset=True)
        if self.render_mode is None:
            return None
        return (crowd_image(self.engine.world, self.engine.row("state", self._tick)),)

    def close_extras(self, **_kwargs: Any) -> None:
        """End the workers and let go of the shared memory; views that were returned stay readable."""
        self._phase = _Phase.CLOSED
        self._rows = []
        self.action_buffer = np.empty((0, 0), np.float32)
        self._exchange = self._restarter = None  # type: ignore[assignment]  # nothing is called that needs them
        self._finalizer.detach()
        self.engine.close()

    def _require(self, *, reset: bool = False) -> None:
        """Raise what Gymnasium raises for calls out of order; reset: this is one."""
        if self._phase is _Phase.CLOSED:
            raise ClosedEnvironmentError("the vector environment is closed")
        if self._phase is _Phase.PENDING:
            raise AlreadyPendingCallError("a step was begun: call step_wait first", "step")
        if self._phase is _Phase.NEW and not reset:
            raise ResetNeeded("call reset before step")

    def _give(self, actions: ArrayLike) -> None:
        """Put actions where the workers read them, unless they are there."""
        if self._disabled and self._waiting.any():
            raise ResetNeeded(f"environments {_some(np.flatnonzero(self._waiting))} have ended: reset them")
        if actions is self.action_buffer:
            valid = self._exchange.valid()
        else:
            array = np.asarray(actions)
            if array.shape != self._actions_shape:
                raise ValueError(f"actions have shape {array.shape}, expected {self._actions_shape}")
            valid = self._exchange.take(array)
        if not valid:
            raise ValueError(self._what_is_wrong())

    def _what_is_wrong(self) -> str:
        wrong, choices = self._exchange.wrong(), self._exchange.choices
        env = int(np.argmax(wrong))
        action = ", ".join(f"{number:g}" for number in self.action_buffer[env])
        expected = f"none of 0 to {choices - 1}" if choices else "no number"
        return f"environment {env}: action {action} is {expected} ({np.count_nonzero(wrong)} such in all)"

    def _finish(self) -> StepResult:
        """Wait for the tick that was begun, and return what it shows."""
        tick = self._tick + 1
        self.engine.advance_to(tick)
        self._tick = tick
        self._phase = _READY
        row = self._rows[tick % len(self._rows)]
        shown: tuple[Float32Array, NDArray[Any], BoolArray, BoolArray]
        if self.copy:
            n = self.num_envs
            shown = np.empty(row.obs.shape, np.float32), np.empty(n), np.empty(n, bool), np.empty(n, bool)
            ended = self._exchange.outcome(tick, *shown)
        else:
            shown = row.obs, row.reward, row.terminated, row.truncated
            ended = self._exchange.endings(tick)
        infos: dict[str, Any] = {}
        if self._same_step and ended:
            infos = self._start_again(row, np.flatnonzero(row.ending), shown[0])
        elif self._disabled:
            np.logical_or(shown[2], shown[3], out=self._waiting)
        return *shown, infos

    def _start_again(self, row: _Row, who: Indices, shown: Float32Array) -> dict[str, Any]:
        """Start the next episodes of `who` in this very step; return the infos of those that ended.

        shown: the observations that the step returns.
        """
        final_obs, mask = np.full(self.num_envs, None, object), np.zeros(self.num_envs, np.bool_)
        for env, obs in zip(who, row.obs[who], strict=True):
            final_obs[env] = obs
        mask[who] = True
        reward = row.reward[who]
        self._restarter.restart(who, self._tick)
        row.reward[who] = reward  # a start has none, but this step still shows that of the end
        if shown is not row.obs:
            shown[who] = row.obs[who]
        return {"final_obs": final_obs, "_final_obs": mask, "final_info": {}, "_final_info": mask.copy()}


def make_exchange(config: Config, arena: Arena, world: World) -> Exchange:
    """Return what hands actions over and outcomes back, compiled if ticks are."""
    if uses_simd(config):
        from valuescape.sim.stepping.compiled.exchange import CompiledExchange

        return CompiledExchange(arena, world)
    return Exchange(arena, world)


def _close_where_made(engine: Engine, pid: int) -> None:
    """Close the engine of an environment that nobody has any more; a fork's copy is not ours to close."""
    if os.getpid() == pid:
        engine.close()


def make_from_spec(*, max_episode_steps: int, **arguments: Any) -> CrowdVectorEnv:
    """Return the crowd of a `spec`, for `gymnasium.make_vec`. Raises UsageError for another time limit."""
    vec = CrowdVectorEnv(**arguments)
    if vec.spec.max_episode_steps != max_episode_steps:
        vec.close()
        raise UsageError(f"max_episode_steps={max_episode_steps}: {vec.spec.id} has a limit of its own")
    return vec


def _some(envs: Indices) -> str:
    """Name the first few of `envs`."""
    more = f" and {len(envs) - 8} more" if len(envs) > 8 else ""
    return ", ".join(map(str, envs[:8])) + more
