"""`Session`: a run of many agents that is stepped, read and drawn from Python."""

import os
import tempfile
import threading
import weakref
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from valuescape.gpu.context import current_kept, made_current
from valuescape.library.arguments import whole
from valuescape.library.loading import ModelSource, WorldSource, load, world_name
from valuescape.presets import config_path, presets
from valuescape.run.stepped import SteppedSession
from valuescape.sim.arrays import BoolArray, Float32Array, Int64Array
from valuescape.sim.config.files import Config, changed, load_config
from valuescape.sim.errors import UsageError
from valuescape.sim.insight.acting import observed
from valuescape.sim.worlds.base import DiscreteAction
from valuescape.training_run import with_steps

_MOST_PX = 16_384


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class State:
    """All agents at one tick; arrays are copies, which later steps leave as they are."""

    tick: int
    """Ticks since the start."""
    state: Float32Array
    """[agents, state_dim] in the world's units."""
    obs: Float32Array
    """[agents, obs_dim] what they observe in it."""
    actions: NDArray[Any]
    """[agents, action_dim] float32, or [agents] int64 of discrete ones, that led to it; 0 at a start."""
    rewards: Float32Array
    """[agents] of the step that led to it; 0 at a start."""
    terminated: BoolArray
    """[agents] whether their episode ended with it by the world."""
    truncated: BoolArray
    """[agents] whether it ended with it at the time limit."""
    episode: Int64Array
    """[agents] the number of their episode, from 0."""
    episode_step: Int64Array
    """[agents] steps since its start."""
    returns: NDArray[np.float64]
    """[agents] the mean return of the episodes that they finished; NaN before the first."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Trails:
    """Where agents were in the last ticks, oldest first; arrays are copies."""

    ticks: Int64Array
    """[ticks]."""
    positions: Float32Array
    """[ticks, agents, 2] x and y on the map, in the units of its axes."""
    strands: NDArray[np.uint8]
    """[ticks, agents]; a line breaks where this changes: at a restart, and across a periodic edge."""


class Session:
    """A run of many agents in this process, which is stepped, read and drawn from Python; headless.

    A context manager; `close` does the same. Nothing stays behind if an exception leaves the block, if it is
    never closed, or if the program ends. Any number may be open at once, in any threads; calls of one wait
    for each other. It installs no signal handlers: Ctrl-C raises KeyboardInterrupt as anywhere, and the
    session can be closed afterwards. It needs OpenGL 4.3, with or without a GPU.

        with valuescape.Session("pendulum", {"agents.count": 500}) as session:
            session.step(200)
            session.state.rewards.mean()
            session.picture(640, 480)
    """

    def __init__(
        self,
        source: ModelSource | Config = "demo",
        settings: Mapping[str, Any] | None = None,
        *,
        world: WorldSource | None = None,
        workers: int = 0,
        seed: int | None = None,
    ) -> None:
        """Start everything.

        source: a preset ("demo"), a configuration file, a `Config`, or whatever `load` takes. settings: by
        their names in docs/configuration.md: {"agents.count": 500, "heatmap.layer": "truth"}. world: as for
        `load`. workers: processes that step the agents; 0 steps them in this one. A script needs no
        `if __name__ == "__main__":` for them, but in an environment of Gymnasium. seed: of all randomness, as
        `run.seed`. Raises UsageError if that cannot be run here.
        """
        asked: dict[str, Any] = {"workers.count": whole(workers, "workers", 0, 256), **(settings or {})}
        if seed is not None:
            asked["run.seed"] = whole(seed, "seed", 0)
        config, self._model = config_of(source, world)
        self._lock, self._pid = threading.RLock(), os.getpid()
        owned = ExitStack()
        with current_kept(), ExitStack() as undo:
            undo.push(owned)
            folder = owned.enter_context(tempfile.TemporaryDirectory(prefix="valuescape-"))
            self._run = owned.enter_context(SteppedSession(changed(config, asked), Path(folder)))
            undo.pop_all()
        self._close = weakref.finalize(self, _end, owned, self._run, self._lock, self._pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        if self.closed:
            return "<valuescape.Session, closed>"
        config = self._run.config
        return (
            f"<valuescape.Session {config.agents.count:,} agents in {config.world.name}, tick {self.tick:,}>"
        )

    def close(self) -> None:
        """End workers and free everything; a second call does nothing."""
        self._close()

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return not self._close.alive

    @contextmanager
    def _inside(self) -> Iterator[SteppedSession]:
        """Hold the lock, with the session's OpenGL context current."""
        with self._lock:
            if self.closed:
                raise UsageError("the session was closed", "make another one")
            if os.getpid() != self._pid:
                raise UsageError(
                    "the session belongs to the process that forked this one", "make another one"
                )
            with made_current(self._run.display.gl):
                yield self._run

    @property
    def tick(self) -> int:
        """Ticks since the start."""
        return self._run.tick

    @property
    def config(self) -> Config:
        """The configuration, with the changes that took effect."""
        return self._run.config

    def step(self, n: int = 1) -> None:
        """Make `n` ticks, as fast as can be."""
        count = whole(n, "n", 0)
        with self._inside() as run:
            run.advance(count)

    def run(self, seconds: float) -> None:
        """Make the ticks of so many simulated seconds, `sim.ticks_per_s` each, as fast as can be."""
        rate = self._run.config.sim.ticks_per_s or 60.0
        self.step(round(seconds * rate))

    @property
    def state(self) -> State:
        """All agents now; copies."""
        with self._inside() as run:
            return _state_of(run)

    @property
    def trails(self) -> Trails:
        """Where agents were in the last `trails.length` ticks; copies."""
        with self._inside() as run:
            return _trails_of(run)

    def get(self, name: str) -> Any:
        """Return the value of a setting as it is now: get("agents.count"). Raises UsageError if unknown."""
        with self._inside() as run:
            try:
                return run.setting(name)
            except KeyError:
                raise UsageError(
                    f"{name}: there is no such setting", "docs/configuration.md lists all"
                ) from None

    def set(self, name: str, value: Any) -> None:
        """Give a live setting another value, which counts from now on: set("heatmap.layer", "truth").

        Raises UsageError if it is none, if it cannot change during a run, or if the value does not fit.
        """
        with self._inside() as run:
            run.change(name, value)

    def picture(self, width: int | None = None, height: int | None = None) -> NDArray[np.uint8]:
        """Return the picture of the present tick, [height, width, 3] uint8, top row first: a new array.

        width, height: in pixels, for this picture and those that follow; first `render.width` and `height`.
        """
        with self._inside() as run:
            now = run.display.size_px
            size = (
                now[0] if width is None else whole(width, "width", 16, _MOST_PX),
                now[1] if height is None else whole(height, "height", 16, _MOST_PX),
            )
            return run.draw(size)


def config_of(source: Any, world: WorldSource | None) -> tuple[Config, object]:
    """Return the configuration that a source stands for, and what has to be kept as long as it is used."""
    if isinstance(source, Config):
        config = source
    elif isinstance(source, str) and (source in presets() or source.endswith(".toml")):
        config = load_config(config_path(source))
    else:
        model = load(source, world)
        return model.config, model
    chosen = {} if world is None else {"world.name": world_name(world)}
    return with_steps(changed(config, chosen)), None


def _end(owned: ExitStack, run: SteppedSession, lock: Any, pid: int) -> None:
    """Free a session where it was made; a fork's copy is left alone."""
    if os.getpid() != pid:
        return
    with lock, made_current(run.display.gl):
        owned.close()


def _state_of(run: SteppedSession) -> State:
    engine, world, tick = run.engine, run.engine.world, run.tick
    state = engine.row("state", tick).copy()
    action, ending = engine.row("action", tick).copy(), engine.row("ending", tick)
    episodes = engine.episodes(tick)
    with np.errstate(all="ignore"):
        obs = observed(world, state)
        returns = episodes.finished_return / episodes.finished_count
    discrete = isinstance(world.action, DiscreteAction)
    return State(
        tick=tick,
        state=np.ascontiguousarray(state.T),
        obs=np.ascontiguousarray(obs.T),
        actions=action[0].astype(np.int64) if discrete else np.ascontiguousarray(action.T),
        rewards=engine.row("reward", tick).copy(),
        terminated=ending == 1,
        truncated=ending == 2,
        episode=episodes.number.astype(np.int64),
        episode_step=episodes.step.astype(np.int64),
        returns=returns,
    )


def _trails_of(run: SteppedSession) -> Trails:
    engine, newest = run.engine, run.tick
    ticks = np.arange(max(0, newest + 1 - run.config.trails.length), newest + 1)
    rows = [(engine.row("trail_position", tick), engine.row("trail_strand", tick)) for tick in ticks.tolist()]
    positions, strands = (np.array(column) for column in zip(*rows, strict=True))
    return Trails(ticks, positions, strands)
