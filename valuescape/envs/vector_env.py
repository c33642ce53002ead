"""A crowd of agents as Gymnasium's VectorEnv: actions in, observations out, through shared memory."""

import os
import weakref
from enum import Enum
from typing import Any

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
from valuescape.envs.crowd_engine import Row, close_where_made, make_engine, make_exchange, rows_of
from valuescape.envs.crowd_image import crowd_image
from valuescape.envs.spaces import (
    checked_render_mode,
    make_metadata,
    make_spec,
    single_action_space,
    single_observation_space,
    world_of,
)
from valuescape.envs.starts import Seed, Starts
from valuescape.sim.arrays import BoolArray, Float32Array, IndexArray
from valuescape.sim.errors import UsageError
from valuescape.sim.worlds import World

StepResult = tuple[Float32Array, NDArray[Any], BoolArray, BoolArray, dict[str, Any]]


class _Phase(Enum):
    """The state of the environment, on which it depends which calls are allowed."""

    NEW = 0  # only reset
    READY = 1
    PENDING = 2  # a step was begun: only step_wait
    CLOSED = 3


_READY, _PENDING = _Phase.READY, _Phase.PENDING  # read in every step: an attribute of an Enum is slow


class CrowdVectorEnv(SharedAttributes):
    """`num_envs` agents of one world; make it with `valuescape.make_vec`.

    Steps equal those of Gymnasium's SyncVectorEnv, in float32, with these differences. One seed serves all
    environments; their random numbers differ by their index. Actions outside a Box are clipped before the
    world sees them, so the reward is that of the clipped action. The only infos are `final_obs`, `final_info`
    and their masks.

    copy=True: `reset` and `step` return new arrays: obs [num_envs, obs_dim] float32 in C order, rewards
    [num_envs] float64 as Gymnasium's are, terminations and truncations [num_envs] bool.
    copy=False: they return views and copy nothing. obs is shared memory, transposed (agents innermost);
    rewards are float32. The views keep their values during the next `step` and are overwritten by the one
    after that; `reset` overwrites those that were returned last. Do not write to them: the next step starts
    from their values.

    `action_buffer` is the shared memory that actions are read from, [num_envs, action_dim] float32; fill it
    and call `step(vec.action_buffer)` to copy no action. A worker that dies is replaced, and the step comes
    to the same. An environment that is dropped without `close` is closed when Python collects it.
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
        """Take the arguments of `valuescape.make_vec`; return when all workers are ready."""
        self.closed = True  # as long as there is nothing to close
        self.mode = AutoresetMode(autoreset_mode)
        self._same_step = self.mode is AutoresetMode.SAME_STEP
        self._disabled = self.mode is AutoresetMode.DISABLED
        self.copy = copy
        self.num_envs = num_envs
        world = world_of(id)
        self.metadata = make_metadata(world, self.mode)
        self.render_mode = checked_render_mode(render_mode, self.metadata)
        arguments = {"num_workers": num_workers, "seed": seed, "autoreset_mode": self.mode.value}
        self.spec = make_spec(world, arguments | {"copy": copy, "render_mode": render_mode})
        self._start(world, num_workers, seed)
        self._np_random, self._np_random_seed = seeding.np_random(int(seed))
        self.single_observation_space = single_observation_space(world)
        self.single_action_space = single_action_space(world)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._actions_shape: tuple[int, ...] = self.action_space.shape

    def _start(self, world: World, num_workers: int, seed: int) -> None:
        autoreset = self.mode is AutoresetMode.NEXT_STEP
        self.engine = make_engine(world, self.num_envs, num_workers, seed, autoreset=autoreset)
        self._finalizer = weakref.finalize(self, close_where_made, self.engine, os.getpid())
        self.closed = False
        try:
            self.engine.wait_ready()
            self.engine.advance_to(0)  # makes no tick, but finds or compiles the code that asks for ticks
            self._exchange = make_exchange(self.engine.config, self.engine.arena, world)
        except BaseException:
            self.close()
            raise
        self._restarter = self.engine.stepper()
        self.action_buffer: Float32Array = self._exchange.given.T
        self._rows = rows_of(self.engine, self._exchange)
        self._waiting = np.zeros(self.num_envs, np.bool_)  # DISABLED: environments that must be reset
        self._tick = 0
        self._phase = _Phase.NEW
        self._notes = set()

    def reset(
        self, *, seed: Seed = None, options: dict[str, Any] | None = None
    ) -> tuple[Float32Array, dict[str, Any]]:
        """Start new episodes; return their observations, [num_envs, obs_dim] float32, and no info.

        seed: one number: all environments start as in a new crowd of that seed. A list of one for each: an
        environment starts, and goes on, as environment 0 of a crowd of that seed. None, alone or in the
        list: the environment's next episode; at the first reset, its first one by the seed of `make_vec`.
        options: `reset_mask`, [num_envs] bool, selects the environments that reset. The options of
        Gymnasium's environment of that name (`low` and `high`; the pendulum's `x_init` and `y_init`) bound
        the starts of this call. Raises ValueError or TypeError for a seed that is no 64-bit number, for
        other options, and for a mask of another shape or type.
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

        actions: [num_envs, action_dim] of a Box, or [num_envs] indices of a Discrete, of any number type;
        `action_buffer` is not copied. Raises ValueError for another shape, and for NaN or an index out of
        range, naming the environment; ResetNeeded before the first reset, and with autoreset disabled while
        an episode that has ended is not reset.
        """
        if self._phase is not _READY:
            self._require()
        self._give(actions)
        self._phase = _PENDING
        return self._finish()

    def step_async(self, actions: ArrayLike) -> None:
        """Begin a step of `actions` and return at once. `step_wait` must follow."""
        self._require()
        self._give(actions)
        self._phase = _Phase.PENDING
        self.engine.run_until(self._tick + 1)

    def step_wait(self) -> StepResult:
        """Return the result of the step that `step_async` began. Raises NoAsyncCallError without one."""
        if self._phase is not _Phase.PENDING:
            self._require(reset=True)
            raise NoAsyncCallError("step_wait without a step_async before it", "step")
        return self._finish()

    def render(self) -> tuple[NDArray[np.uint8], ...] | None:
        """Return one picture, [height, width, 3] uint8, in a tuple: the map with a dot for each agent.

        It is one picture of all environments. Returns None unless `render_mode` is "rgb_array".
        """
        self._require(reset=True)
        if self.render_mode is None:
            return None
        return (crowd_image(self.engine.world, self.engine.row("state", self._tick)),)

    def close_extras(self, **_kwargs: Any) -> None:
        """End the workers and release the shared memory; views that were returned stay readable."""
        self._phase = _Phase.CLOSED
        self._rows = []
        self.action_buffer = np.empty((0, 0), np.float32)
        self._exchange = self._restarter = None  # type: ignore[assignment]  # not called any more
        self._finalizer.detach()
        self.engine.close()

    def _require(self, *, reset: bool = False) -> None:
        """Raise Gymnasium's error for a call out of order. reset: allow it before the first reset."""
        if self._phase is _Phase.CLOSED:
            raise ClosedEnvironmentError("the vector environment is closed")
        if self._phase is _Phase.PENDING:
            raise AlreadyPendingCallError("a step was begun: call step_wait first", "step")
        if self._phase is _Phase.NEW and not reset:
            raise ResetNeeded("call reset before step")

    def _give(self, actions: ArrayLike) -> None:
        """Copy `actions` to where workers read them, unless they are `action_buffer`."""
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
        """Wait for the tick that was begun, and return its result."""
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

    def _start_again(self, row: Row, who: IndexArray, shown: Float32Array) -> dict[str, Any]:
        """Start the next episodes of the environments `who` in this step; return the infos of the ended ones.

        shown: the observations that the step returns, overwritten with those of the starts.
        """
        final_obs, mask = np.full(self.num_envs, None, object), np.zeros(self.num_envs, np.bool_)
        final_obs[who] = np.fromiter(row.obs[who], object, len(who))
        mask[who] = True
        reward = row.reward[who]
        self._restarter.restart(who, self._tick)
        row.reward[who] = reward  # restarting set it to 0, but this step ended the episode
        if shown is not row.obs:
            shown[who] = row.obs[who]
        return {"final_obs": final_obs, "_final_obs": mask, "final_info": {}, "_final_info": mask.copy()}


def make_from_spec(*, max_episode_steps: int, **arguments: Any) -> CrowdVectorEnv:
    """Return the crowd of a `spec`, for `gymnasium.make_vec`. Raises UsageError for another time limit."""
    vec = CrowdVectorEnv(**arguments)
    if vec.spec.max_episode_steps != max_episode_steps:
        vec.close()
        raise UsageError(f"max_episode_steps={max_episode_steps}: {vec.spec.id} has a limit of its own")
    return vec


def _some(envs: IndexArray) -> str:
    """Name the first eight of `envs`."""
    more = f" and {len(envs) - 8} more" if len(envs) > 8 else ""
    return ", ".join(map(str, envs[:8])) + more
