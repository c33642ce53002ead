"""A crowd of agents as Gymnasium's VectorEnv: actions in, observations out, through shared memory."""

from collections.abc import Callable
from enum import Enum
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from gymnasium.error import (
    AlreadyPendingCallError,
    ClosedEnvironmentError,
    NoAsyncCallError,
    ResetNeeded,
)
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space
from numpy.typing import ArrayLike, NDArray

from sim.config import Config, load_config
from sim.engine import Engine
from sim.episodes import split_endings as plain_split_endings
from sim.errors import UsageError
from sim.worker import uses_simd
from sim.worlds import DiscreteAction, World
from valuescape.vector_spaces import make_spec, single_action_space, single_observation_space, world_of

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


class _Row(NamedTuple):
    """Views of one row of the rings, with agents first."""

    obs: Float32Array  # [num_envs, obs_dim], transposed
    reward: Float32Array
    ending: NDArray[np.uint8]
    terminated: BoolArray  # private to this process
    truncated: BoolArray


class CrowdVectorEnv(gymnasium.vector.VectorEnv):  # type: ignore[misc]  # Gymnasium is optional: not followed
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
    made as if nothing had happened.
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
    ) -> None:
        """As `valuescape.make_vec`, which needs no Gymnasium to be called; returns when workers are ready."""
        self.closed = True  # as long as there is nothing to close
        self.mode = AutoresetMode(autoreset_mode)
        self.copy = copy
        self.num_envs = num_envs
        world = world_of(id)
        arguments = {"num_workers": num_workers, "seed": seed, "autoreset_mode": self.mode, "copy": copy}
        self.spec = make_spec(world, arguments)
        self.metadata = {"render_modes": [], "autoreset_mode": self.mode}
        self._start(world, num_workers, seed)
        self.single_observation_space = single_observation_space(world)
        self.single_action_space = single_action_space(world)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)

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
        self.closed = False
        try:
            self.engine.wait_ready()
            self.engine.advance_to(0)  # makes nothing, but finds or compiles the code that asks for ticks
        except BaseException:
            self.close()
            raise
        self._choices = world.action.n if isinstance(world.action, DiscreteAction) else 0
        self._restarter = self.engine.stepper()
        self._split = _splitter(config)
        self._given: Float32Array = self.engine.arena["given_action"]
        self.action_buffer: Float32Array = self._given.T
        self._rows = [self._row(tick) for tick in range(self.engine.arena.layout.state_rows)]
        self._waiting = np.zeros(self.num_envs, np.bool_)  # DISABLED: who must be reset
        self._tick = 0
        self._phase = _Phase.NEW

    def _row(self, tick: int) -> _Row:
        name = "obs" if self.engine.arena.layout.kept_obs_dim else "state"
        reward, ending = self.engine.row("reward", tick), self.engine.row("ending", tick)
        flags = np.zeros((2, self.num_envs), np.bool_)
        return _Row(self.engine.row(name, tick).T, reward, ending, flags[0], flags[1])

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Float32Array, dict[str, Any]]:
        """Start new episodes and return the observations, [num_envs, obs_dim], and no info.

        seed: all environments start as in a new crowd of that seed; None: each goes on to its next episode,
        at first to the first of `make_vec`'s seed. options: `reset_mask`, [num_envs] bool, names who resets.
        Raises ValueError or TypeError for a seed that is no 64-bit number, other options, or an odd mask.
        """
        self._require(reset=True)
        mask = _reset_mask(options, self.num_envs)
        if seed is not None and (mask is not None or not 0 <= seed < 2**64):
            raise ValueError(f"seed={seed!r}: expected one number from 0 to 2**64 - 1, and no reset_mask")
        if mask is not None and self._phase is _Phase.NEW:
            raise ResetNeeded("reset with a reset_mask: the first reset is of all environments")
        super().reset(seed=seed)
        if seed is not None:
            self._restarter.seed = seed
            self._restarter.initialise(self._tick)
        elif self._phase is not _Phase.NEW:
            who = np.arange(self.num_envs) if mask is None else np.flatnonzero(mask)
            self._restarter.restart(who, self._tick)
        self._waiting[True if mask is None else mask] = False
        self._phase = _Phase.READY
        return self._copied(self._rows[self._tick % len(self._rows)].obs), {}

    def step(self, actions: ArrayLike) -> StepResult:
        """Advance every environment; return obs, rewards, terminations, truncations and infos.

        actions: [num_envs, action_dim] of a Box, or [num_envs] indices of a Discrete; `action_buffer` is
        taken as it is. Raises ValueError for another shape or an index that is none, naming the environment;
        ResetNeeded before the first reset, and with autoreset disabled if an episode has ended.
        """
        if self._phase is not _Phase.READY:
            self._require()
        self._give(actions)
        self._phase = _Phase.PENDING
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

    def close_extras(self, **_kwargs: Any) -> None:
        """End the workers and let go of the shared memory; views that were returned stay readable."""
        self._phase = _Phase.CLOSED
        self._rows = []
        self.action_buffer = self._given = np.empty((0, 0), np.float32)
        self._restarter = None  # type: ignore[assignment]  # nothing is called any more that needs it
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
        if actions is not self.action_buffer:
            array = np.asarray(actions)
            expected: tuple[int, ...] = self.action_space.shape
            if array.shape != expected:
                raise ValueError(f"actions have shape {array.shape}, expected {expected}")
            self._given[:] = array.T
        if self._choices:
            self._require_choices(self._given[0])
        if self.mode is AutoresetMode.DISABLED and self._waiting.any():
            raise ResetNeeded(f"environments {_some(np.flatnonzero(self._waiting))} have ended: reset them")

    def _require_choices(self, index: Float32Array) -> None:
        valid = (index >= 0) & (index < self._choices) & (index == np.floor(index))
        if not valid.all():
            env = int(np.argmin(valid))
            raise ValueError(
                f"environment {env}: action {index[env]:g} is none of 0 to {self._choices - 1} "
                f"({np.count_nonzero(~valid)} such in all)"
            )

    def _finish(self) -> StepResult:
        """Wait for the tick that was begun, and return what it shows."""
        tick = self._tick + 1
        self.engine.advance_to(tick)
        self._tick = tick
        self._phase = _Phase.READY
        row = self._rows[tick % len(self._rows)]
        if self._split(row.ending, row.terminated, row.truncated):
            self._mark_both(row)
        infos: dict[str, Any] = {}
        if self.mode is AutoresetMode.SAME_STEP:
            infos = self._start_again(row, np.flatnonzero(row.ending))
        elif self.mode is AutoresetMode.DISABLED:
            np.logical_or(row.terminated, row.truncated, out=self._waiting)
        if not self.copy:
            return row.obs, row.reward, row.terminated, row.truncated, infos
        reward = row.reward.astype(np.float64)
        return self._copied(row.obs), reward, row.terminated.copy(), row.truncated.copy(), infos

    def _mark_both(self, row: _Row) -> None:
        """Mark as truncated, too, whose episode terminated in the last step that it could have."""
        who = np.flatnonzero(row.terminated)
        steps = np.uint32(self._tick & 0xFFFFFFFF) - self.engine.arena["episode_start"][who]
        row.truncated[who] = steps >= self._restarter.world.max_episode_steps

    def _start_again(self, row: _Row, who: Indices) -> dict[str, Any]:
        """Start the next episodes of `who` in this very step; return the infos of those that ended."""
        if not len(who):
            return {}
        final_obs, mask = np.full(self.num_envs, None, object), np.zeros(self.num_envs, np.bool_)
        for env, obs in zip(who, row.obs[who], strict=True):
            final_obs[env] = obs
        mask[who] = True
        reward = row.reward[who]
        self._restarter.restart(who, self._tick)
        row.reward[who] = reward  # a start has none, but this step still shows that of the end
        return {"final_obs": final_obs, "_final_obs": mask, "final_info": {}, "_final_info": mask.copy()}

    def _copied(self, obs: Float32Array) -> Float32Array:
        if not self.copy:
            return obs
        copied = np.empty(obs.shape, np.float32)
        for variable in range(obs.shape[1]):  # five times faster than letting NumPy transpose
            copied[:, variable] = obs[:, variable]
        return copied


def _splitter(config: Config) -> Callable[[NDArray[np.uint8], BoolArray, BoolArray], bool]:
    """Return `split_endings`, compiled if ticks are."""
    if uses_simd(config):
        from sim.simd.endings import split_endings

        return split_endings
    return plain_split_endings


def make_from_spec(*, max_episode_steps: int, **arguments: Any) -> CrowdVectorEnv:
    """Return the crowd of a `spec`, for `gymnasium.make_vec`. Raises UsageError for another time limit."""
    vec = CrowdVectorEnv(**arguments)
    if vec.spec.max_episode_steps != max_episode_steps:
        vec.close()
        raise UsageError(f"max_episode_steps={max_episode_steps}: {vec.spec.id} has a limit of its own")
    return vec


def _reset_mask(options: dict[str, Any] | None, num_envs: int) -> BoolArray | None:
    """Return `options["reset_mask"]` if there is one. Raises ValueError or TypeError if it cannot be."""
    if unknown := (options or {}).keys() - {"reset_mask"}:
        raise ValueError(f"options {sorted(unknown)} are unknown; there is reset_mask")
    mask = (options or {}).get("reset_mask")
    if mask is None:
        return None
    if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_:
        raise TypeError(f"reset_mask: expected a NumPy array of bool, got {mask!r}")
    if mask.shape != (num_envs,) or not mask.any():
        raise ValueError(f"reset_mask: expected shape ({num_envs},) with a True in it, got {mask!r}")
    return mask


def _some(envs: Indices) -> str:
    """Name the first few of `envs`."""
    more = f" and {len(envs) - 8} more" if len(envs) > 8 else ""
    return ", ".join(map(str, envs[:8])) + more
