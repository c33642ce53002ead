"""The ledger of a run: the log of its frames, and statistics of them, each as fresh as it needs to be."""

import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import psutil

from valuescape.costs.breakdown import EXACT_FRAME, frame_parts, worker_loads
from valuescape.costs.profile_files import Track, worker_tracks
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.timers import GpuTimers, can_be_trusted
from valuescape.render.scene.scene import Scene
from valuescape.run_state import Part, frame_budget_ms
from valuescape.sim.config.files import Config
from valuescape.sim.config.sections import StatsConfig
from valuescape.sim.engine import Engine, EpisodeStats
from valuescape.sim.insight.crowd import CrowdNumbers
from valuescape.sim.measuring.health import Limit, RunLog, limits, measures
from valuescape.sim.measuring.stats_cache import Refresh, StatsCache
from valuescape.sim.stepping.systems import worker_sections

_EXACT_EVERY = 61
"""Frames from one whose sections are measured exactly to the next: measuring makes it a little slower.

A prime, because some work is done every few frames only: with a multiple of that interval, all exact frames
or none would contain it.
"""

_SHOWN = 120
"""Frames whose times are shown."""

_COUNTED = ("draw_calls", "queries", "upload_bytes", "dispatches")
"""Counters of the meter that the log sums up."""


class Measured(Protocol):
    """An engine and the scene that shows it, as the ledger measures them."""

    config: Config
    engine: Engine
    scene: Scene

    @property
    def critic_numbers(self) -> CrowdNumbers | None:
        """Numbers about the critic that were counted last; None without any."""

    def count_critic_numbers(self) -> None:
        """Have numbers about the critic counted anew."""

    def require_no_error(self) -> None:
        """Raise RuntimeError if OpenGL has noted an error."""


class Ledger:
    """Logs frames and answers questions about them; the `Figures` of a run.

    stage: what is measured, until `begin_again` names another. lockstep: ticks wait for frames, so that a
    picture must not depend on how long frames take. sides: as of `RunLog`.
    """

    def __init__(self, stage: Measured, meter: FrameMeter, *, lockstep: bool, sides: int = 1) -> None:
        self._stage, self._meter, self._lockstep, self._sides = stage, meter, lockstep, sides
        self.busy_ms: deque[float] = deque(maxlen=_SHOWN)
        self.start_s = 0.0
        self.counters = replace(meter)  # of the last frame
        self._since_ns = 0  # of the profiler's clock: older spans belong to another run
        self._timers: GpuTimers | None = None
        self._begin()

    def _begin(self) -> None:
        self.log = RunLog(sides=self._sides)
        self.segments_left_out = 0
        self._revision = -1  # of the scene, when its scales were last marked as changed
        config = self._stage.config
        self.stats = StatsCache(self._refreshes(config.stats), enabled=config.features.stats_cache)

    def _refreshes(self, config: StatsConfig) -> dict[str, Refresh]:
        """Return what each statistic is derived from, and how old it may be."""
        clock, gpu = time.monotonic, float(config.gpu_frames)
        # The text in a video must not depend on how fast the video was made.
        shown = self._video_clock if self._lockstep else clock
        return {
            "scales": Refresh(self._frame_clock, gpu, frozenset({"scene"})),
            "segments": Refresh(self._frame_clock, gpu, frozenset({"picture"})),
            "memory": Refresh(clock, config.memory_s, frozenset({"frame"})),
            "episodes": Refresh(shown, config.episodes_s, frozenset({"tick"})),
            "critic": Refresh(shown, config.critic_s, frozenset({"tick"})),
            "health": Refresh(clock, config.health_s, frozenset({"frame"})),
            "parts": Refresh(clock, config.health_s, frozenset({"frame"})),
            "captions": Refresh(shown, config.captions_s, frozenset({"frame"})),
        }

    def _video_clock(self) -> float:
        return len(self.log.frame_ends) / self._stage.config.render.video_fps

    def _frame_clock(self) -> float:
        return float(len(self.log.frame_ends))

    def begin_again(self, stage: Measured) -> None:
        """Forget all measurements and measure this stage from now on."""
        self._stage = stage
        self.busy_ms.clear()
        self._since_ns = time.perf_counter_ns()
        self._begin()

    def forget_memory(self) -> None:
        """Judge the growth of memory from now on only, after a change that takes more or less of it."""
        self.log.memory.clear()

    # --- Frames -------------------------------------------------------------------------------------------

    @contextmanager
    def frame(self, finish: Callable[[], None]) -> Iterator[None]:
        """Measure what is done within as a frame, now and then exactly.

        finish: waits until the GPU has done its work; in exact frames it is called after every section.
        """
        profiler = self._meter.profiler
        # Never the first frame, in which much is made.
        exact = len(self.log.frame_ends) % _EXACT_EVERY == _EXACT_EVERY // 2
        profiler.finish = finish if exact else None
        with profiler.section(EXACT_FRAME if exact else "frame"):
            self._meter.clear()
            yield

    def time_gpu(self, gl: Any) -> None:
        """Measure the GPU's work too, if its timers can be trusted."""
        if can_be_trusted(gl):
            self._timers = self._meter.profiler.gpu = GpuTimers(gl)

    def note(self, began: float) -> None:
        """Log the frame that began at this time (monotonic clock, s) and ends with this call."""
        log, now = self.log, time.monotonic()
        if not log.frame_ends and not self.start_s:
            self.start_s = time.time() - psutil.Process().create_time()
        log.frame_ends.append(now)
        log.busy_s.append(now - began)
        self.busy_ms.append((now - began) * 1000)
        self.counters = replace(self._meter)
        for name in _COUNTED:
            setattr(log, name, getattr(log, name) + getattr(self._meter, name))
        self._note_tick(now)
        self.stats.mark("frame")
        self.stats.get("memory", lambda: log.memory.append((now, self._stage.engine.memory_bytes())))

    def _note_tick(self, now: float) -> None:
        log, newest = self.log, self._stage.scene.trails.ring.newest
        if log.last_tick is None or newest != log.last_tick[1]:
            self.stats.mark("tick")
        log.note_tick(now, newest)

    def look(self, *, leads: bool = True) -> None:
        """Read figures of the picture just drawn from the GPU, if it is time, and adapt the segment budget.

        leads: False for a scene whose scales and budget are those of another one beside it. Raises
        RuntimeError if OpenGL has noted an error.
        """
        scene, stats = self._stage.scene, self.stats
        stats.mark("picture")
        if not leads:
            stats.get("segments", self._count_segments)
            return
        if scene.revision != self._revision:
            self._revision = scene.revision
            stats.mark("scene")
        stats.get("scales", scene.read_scales)
        segments = stats.get("segments", self._count_segments)
        every = self._stage.config.stats.gpu_frames
        if len(self.log.frame_ends) % every == 0:
            self._keep_to_budget(segments, every)

    def _count_segments(self) -> int:
        self._stage.require_no_error()
        trails = self._stage.scene.trails
        segments = trails.segments_drawn
        self.log.segments.append(segments)
        self.segments_left_out = max(trails.segments_there - segments, 0)
        return segments

    def _keep_to_budget(self, segments: int, frames: int) -> None:
        """Let as many agents have a trail of their own as the last `frames` had time for."""
        may_take_ms = frame_budget_ms(self._stage.config)
        takes_ms = 0.75 * may_take_ms  # in lockstep: a picture must not depend on how fast it was made
        if not self._lockstep and self.log.busy_s:
            takes_ms = float(np.median(self.log.busy_s[-frames:])) * 1000
        self._stage.scene.keep_to_budget(segments, takes_ms, may_take_ms)

    # --- Figures ------------------------------------------------------------------------------------------

    @property
    def hit_rate(self) -> float:
        """Share of the looks at statistics that computed nothing; NaN before the first."""
        return self.stats.hit_rate

    def episodes(self) -> EpisodeStats:
        """Return the totals of finished episodes."""
        return self.stats.get("episodes", self._stage.engine.episode_stats)

    def critic(self) -> CrowdNumbers | None:
        """Return numbers about the critic, and have them counted anew now and then; None before the first."""
        self.stats.get("critic", self._stage.count_critic_numbers)
        return self._stage.critic_numbers

    def parts(self) -> list[Part]:
        """Return what frames are made of, the longest part first; empty before the first exact frame."""
        return self.stats.get("parts", self._take_apart)

    def _take_apart(self) -> list[Part]:
        profiler = self._meter.profiler
        spans = profiler.ring.read()
        return frame_parts(spans[spans["began_ns"] >= self._since_ns], profiler.names)

    def limits(self) -> list[Limit]:
        """Return the health limits and how the run stands to them."""
        config = self._stage.config.health
        return self.stats.get("health", lambda: limits(measures(self.log, config), config))

    def worker_loads(self) -> list[float]:
        """Return the share of the last two seconds that each worker spent making ticks, 0 to 1."""
        return worker_loads(self._stage.engine.worker_spans(), time.perf_counter_ns())

    def tracks(self) -> list[Track]:
        """Return the spans of all processes."""
        profiler, engine = self._meter.profiler, self._stage.engine
        own = [Track("main", os.getpid(), profiler.ring.read(), profiler.names)]
        if self._timers:
            self._timers.read_all()
            own.append(Track("GPU, where it was asked", 0, self._timers.ring.read(), profiler.names))
        # Not `worker_pids`, which leaves out those that have died: their spans are still known.
        spans = engine.worker_spans()
        pids = [int(pid) for pid in engine.arena["worker"]["pid"][: len(spans)]]
        return [*own, *worker_tracks(pids, spans, worker_sections(engine.world))]

    def processes(self) -> dict[str, Any]:
        """Return CPU seconds and memory of every process, by its title."""
        found = {}
        for track in self.tracks():
            try:
                process = psutil.Process(track.pid)
                times, memory = process.cpu_times(), process.memory_info()
            except psutil.NoSuchProcess:
                continue
            found[track.title] = {
                "pid": track.pid,
                "cpu_s": round(times.user + times.system, 3),
                "memory_mb": round(memory.rss / 1e6, 1),
            }
        return found
