"""`Session`: a run of many agents that is stepped, read and drawn from Python."""

import os
import threading
import weakref
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, Unpack

import numpy as np
from numpy.typing import NDArray

from valuescape.gpu.context import current_kept, made_current
from valuescape.keywords import one_of, require_known
from valuescape.library.arguments import positive, whole
from valuescape.library.loading import ModelSource, load
from valuescape.library.model import taken_actions
from valuescape.library.worlds import WorldSource, world_name
from valuescape.paths import require_name
from valuescape.presets import config_path, presets
from valuescape.run.stepped import Aim, SteppedSession
from valuescape.sim.arrays import BoolArray, Float32Array, Int64Array
from valuescape.sim.config.files import Config, changed, load_config
from valuescape.sim.config.model import settings_of
from valuescape.sim.errors import UsageError
from valuescape.sim.insight.acting import observed
from valuescape.sim.shared.layout import Ending
from valuescape.training_run import with_steps

_MOST_PX = 16_384

_TICKS_PER_S = 60.0
"""Ticks of a second where `sim.ticks_per_s` is 0."""


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
    session can be closed afterwards. It needs OpenGL 4.3, with or without a GPU. While one without workers is
    open, products of matrices in NumPy run in one thread, so that sums do not depend on the machine.

    Performance (1,000 agents, busy EPYC, no GPU): a tick takes 0.4 to 2 ms with its trails and maps, `state`
    0.13 ms, a picture of 640 x 480 pixels 40 ms. Of 100,000 agents: 15 ms, and `state` 19 ms.

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
        with current_kept(), ExitStack() as owned:
            self._run = owned.enter_context(SteppedSession(changed(config, asked), Path()))
            parts = _Parts(self._run, self._lock, self._pid)
            self._close = weakref.finalize(self, parts.end)
            parts.owned = owned.pop_all()

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
        with self._inside() as run:
            return run.tick

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
        with self._inside() as run:
            run.advance(round(positive(seconds, "seconds") * (run.pace.ticks_per_s or _TICKS_PER_S)))

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
            _require_setting(run, name)
            return run.setting(name)

    def set(self, name: str, value: Any) -> None:
        """Give a live setting another value, which counts from now on: set("heatmap.layer", "truth").

        Raises UsageError if it is none, if it cannot change during a run, or if the value does not fit.
        """
        with self._inside() as run:
            _require_setting(run, name)
            run.change(name, value)

    def picture(self, width: int | None = None, height: int | None = None) -> NDArray[np.uint8]:
        """Return the picture of the present tick, [height, width, 3] uint8, top row first: a new array.

        width, height: in pixels, for this picture and those that follow; first `render.width` and `height`.
        Waits for the maps that it shows, which of "truth" may take a minute; KeyboardInterrupt ends that.
        """
        with self._inside() as run:
            return run.draw(_size(run, width, height))

    def save_picture(
        self, path: str | os.PathLike[str], width: int | None = None, height: int | None = None
    ) -> Path:
        """Write the picture as a PNG that says how it was made: `valuescape replay` makes it again.

        width, height: as of `picture`. Raises UsageError if it cannot be written.
        """
        file = Path(path)
        require_name("save_picture:", file, ".png")
        with self._inside() as run:
            return run.save(file, _size(run, width, height))

    def video(self, path: str | os.PathLike[str], seconds: float, fps: int = 30) -> Path:
        """Make the ticks of so many simulated seconds, and a video of them (.mp4, .mkv); return its path.

        It has the size of the last picture. If an exception ends it, KeyboardInterrupt for one, the video of
        what was made is complete. Raises UsageError if it cannot be written.
        """
        file, rate = Path(path), whole(fps, "fps", 1, 240)
        require_name("video:", file, ".mp4", ".mkv")
        with self._inside() as run:
            run.film(file, max(1, round(positive(seconds, "seconds") * rate)), rate)
        return file

    def camera(self, **aim: Unpack[Aim]) -> None:
        """Point the camera: camera(yaw_deg=30, pitch_deg=40), camera(center=(0.0, 0.0), zoom=2).

        yaw_deg, pitch_deg, distance: of the height field (`render.view` = "3d"). center: the place of the map
        in the middle, in the units of its axes. zoom: of the flat map. What is left out stays. Raises
        UsageError for what is out of bounds.
        """
        require_known(aim, Aim, "camera")
        with self._inside() as run:
            run.aim(**aim)


_PARAMETERS = "world.parameters."


def _require_setting(run: SteppedSession, name: str) -> None:
    """Raise UsageError, with the nearest name, unless there is a setting, or a parameter, of that name."""
    parameters = [_PARAMETERS + each.name for each in run.engine.world.parameters]
    one_of(name, [*settings_of(type(run.config)), *parameters], "the setting")


def _size(run: SteppedSession, width: int | None, height: int | None) -> tuple[int, int]:
    now = run.display.size_px
    return (
        now[0] if width is None else whole(width, "width", 16, _MOST_PX),
        now[1] if height is None else whole(height, "height", 16, _MOST_PX),
    )


def _is_configuration(name: str) -> bool:
    return name in presets() or name.endswith(".toml")


def config_of(source: Any, world: WorldSource | None) -> tuple[Config, object]:
    """Return the configuration that a source stands for, and what has to be kept as long as it is used."""
    if isinstance(source, Config):
        config = source
    elif isinstance(source, str | os.PathLike) and _is_configuration(os.fspath(source)):
        config = load_config(config_path(os.fspath(source)))
    else:
        model = load(source, world)
        return model.config, model
    chosen = {} if world is None else {"world.name": world_name(world)}
    return with_steps(changed(config, chosen)), None


class _Parts:
    """What a session has to free; it knows nothing of the session, which may have been forgotten."""

    def __init__(self, run: SteppedSession, lock: Any, pid: int) -> None:
        self._run, self._lock, self._pid = run, lock, pid
        self.owned = ExitStack()

    def end(self) -> None:
        """Free everything, in the process that made it; a fork's copy is left alone."""
        if os.getpid() != self._pid:
            return
        with self._lock, made_current(self._run.display.gl):
            self.owned.close()


def _state_of(run: SteppedSession) -> State:
    engine, world, tick = run.engine, run.engine.world, run.tick
    state = engine.whole_row("state", tick).copy()
    action, ending = engine.whole_row("action", tick).copy(), engine.whole_row("ending", tick)
    episodes = engine.episodes(tick)
    with np.errstate(all="ignore"):
        obs = observed(world, state)
        returns = episodes.finished_return / episodes.finished_count
    return State(
        tick=tick,
        state=np.ascontiguousarray(state.T),
        obs=np.ascontiguousarray(obs.T),
        actions=np.array(taken_actions(world, action)),
        rewards=engine.whole_row("reward", tick).copy(),
        terminated=ending == Ending.TERMINATED,
        truncated=ending == Ending.TRUNCATED,
        episode=episodes.number.astype(np.int64),
        episode_step=episodes.step.astype(np.int64),
        returns=returns,
    )


def _trails_of(run: SteppedSession) -> Trails:
    engine, newest = run.engine, run.tick
    ticks = np.arange(max(0, newest + 1 - run.config.trails.length), newest + 1)
    names = "trail_position", "trail_strand"
    rows = [[engine.whole_row(name, tick) for name in names] for tick in ticks.tolist()]
    positions, strands = (np.array(column) for column in zip(*rows, strict=True))
    return Trails(ticks, positions, strands)
