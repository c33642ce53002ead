"""What frames cost, written down as they are made."""

import os
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import psutil

from valuescape.costs.breakdown import Advice, Facts, Part, advise, frame_parts, worker_loads
from valuescape.costs.profile_files import Track, worker_tracks
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.timers import GpuTimers, can_be_trusted
from valuescape.render.overlay.cards import Card
from valuescape.render.view.viewer import Viewer
from valuescape.run.captions import profile_card
from valuescape.run.stage import Stage
from valuescape.sim.config.files import Config
from valuescape.sim.config.sections import StatsConfig
from valuescape.sim.engine import EpisodeStats
from valuescape.sim.measuring.health import Limit, RunLog, limits, measures
from valuescape.sim.measuring.stats_cache import Refresh, StatsCache

_EXACT_EVERY = 61
"""Frames from one whose sections are measured exactly to the next: it takes a little longer than others.

No multiple of what is done every few frames, or all of them, or none, would be frames in which it is done.
"""

_SHOWN = 120
"""Frames whose times are shown."""


class Accounts:
    """Keeps the log of a run. lockstep: frames may take their time there, so no budget follows theirs."""

    def __init__(self, config: Config, meter: FrameMeter, *, lockstep: bool) -> None:
        self._config, self._meter, self._lockstep = config, meter, lockstep
        self.busy_ms: deque[float] = deque(maxlen=_SHOWN)
        self.start_s = 0.0
        self._since_ns = 0  # of the profiler's clock: spans from before are another run's
        self.timers: GpuTimers | None = None
        self._last = replace(meter)
        self._begin()

    def _begin(self) -> None:
        self.log = RunLog()
        self._thinned = 0
        self._revision = -1  # of the scene, when its scales were last said to be dirty
        features = self._config.features
        self.stats = StatsCache(self._refreshes(self._config.stats), enabled=features.stats_cache)

    def _refreshes(self, config: StatsConfig) -> dict[str, Refresh]:
        """Return what each statistic is derived from, and how old it may be."""
        clock, gpu = time.monotonic, float(config.gpu_frames)
        # What a video says must not depend on how fast it was made.
        shown = self._video_clock if self._lockstep else clock
        return {
            "scales": Refresh(self._frame_clock, gpu, frozenset({"scene"})),
            "segments": Refresh(self._frame_clock, gpu, frozenset({"picture"})),
            "memory": Refresh(clock, config.memory_s, frozenset({"frame"})),
            "episodes": Refresh(shown, config.episodes_s, frozenset({"tick"})),
            "health": Refresh(clock, config.health_s, frozenset({"frame"})),
            "parts": Refresh(clock, config.health_s, frozenset({"frame"})),
            "captions": Refresh(shown, config.captions_s, frozenset({"frame"})),
        }

    def _video_clock(self) -> float:
        return len(self.log.frame_ends) / self._config.render.video_fps

    def _frame_clock(self) -> float:
        return float(len(self.log.frame_ends))

    @property
    def next_is_exact(self) -> bool:
        """Whether the next frame is to be measured exactly; not the first, in which much is made."""
        return len(self.log.frame_ends) % _EXACT_EVERY == _EXACT_EVERY // 2

    def time_gpu(self, gl: Any) -> None:
        """Measure the GPU's work too, if its timers can be trusted."""
        if can_be_trusted(gl):
            self.timers = self._meter.profiler.gpu = GpuTimers(gl)

    def parts(self) -> list[Part]:
        """Return what frames are made of, the longest part first."""
        return self.stats.get("parts", self._take_apart)

    def _take_apart(self) -> list[Part]:
        profiler = self._meter.profiler
        spans = profiler.ring.read()
        return frame_parts(spans[spans["began_ns"] >= self._since_ns], profiler.names)

    def episodes(self, stage: Stage) -> EpisodeStats:
        """Return what the finished episodes came to."""
        return self.stats.get("episodes", stage.engine.episode_stats)

    def advice(self, parts: list[Part], stage: Stage, viewer: Viewer) -> Advice | None:
        """Return what would make frames, which have these parts, fit into their time, if they do not."""
        config, budget = stage.config, stage.scene.trails.budget
        facts = Facts(
            agents=config.agents.count,
            segment_budget=budget.segments,
            segments=self.log.segments[-1] if self.log.segments else 0,
            mesh_resolution=config.render.mesh_resolution,
            density_resolution=config.heatmap.density_resolution,
            flat=viewer.flat,
            workers=stage.engine.workers,
            glow=viewer.looks.render.glow,
            ticks=self._ticks_a_frame(),
            ticks_per_s=config.sim.ticks_per_s,
        )
        return advise(parts, self.may_take_ms, facts)

    def _ticks_a_frame(self) -> float:
        """Return how many ticks a frame has taken over in the mean, at least one."""
        first, last = self.log.first_tick, self.log.last_tick
        if first is None or last is None or len(self.log.frame_ends) < 2:
            return 1.0
        return max((last[1] - first[1]) / (len(self.log.frame_ends) - 1), 1.0)

    def tracks(self, stage: Stage) -> list[Track]:
        """Return the spans of all processes."""
        profiler, engine = self._meter.profiler, stage.engine
        own = [Track("main", os.getpid(), profiler.ring.read(), profiler.names)]
        if self.timers:
            self.timers.read_all()
            own.append(Track("GPU, where it was asked", 0, self.timers.ring.read(), profiler.names))
        # Not `worker_pids`, which leaves out those that have died: what they did is still known.
        pids = [int(pid) for pid in engine.arena["worker"]["pid"][: engine.workers]]
        return [*own, *worker_tracks(pids, engine.worker_spans())]

    def usage(self, stage: Stage) -> dict[str, Any]:
        """Return CPU seconds and memory of every process, by its title."""
        found = {}
        for track in self.tracks(stage):
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

    @property
    def may_take_ms(self) -> float:
        """What a frame may take at the frame rate asked for."""
        return 1000 / (self._config.render.max_fps or 60)

    @property
    def recent_fps(self) -> float:
        """Frames a second, of the last thirty."""
        ends = self.log.frame_ends[-30:]
        return (len(ends) - 1) / (ends[-1] - ends[0]) if len(ends) > 1 else 0.0

    def note(self, began: float, stage: Stage) -> None:
        """Write down the frame that began then."""
        log, now = self.log, time.monotonic()
        if not log.frame_ends and not self.start_s:
            self.start_s = time.time() - psutil.Process().create_time()
        log.frame_ends.append(now)
        log.busy_s.append(now - began)
        self.busy_ms.append((now - began) * 1000)
        self._last = replace(self._meter)
        newest = stage.scene.trails.ring.newest
        if log.last_tick is None or newest != log.last_tick[1]:
            self.stats.mark("tick")
        log.last_tick = (now, newest)
        log.first_tick = log.first_tick or log.last_tick
        for name in ("draw_calls", "queries", "upload_bytes", "dispatches"):
            setattr(log, name, getattr(log, name) + getattr(self._meter, name))
        self.stats.mark("frame")
        self.stats.get("memory", lambda: log.memory.append((now, stage.engine.memory_bytes())))

    def begin_again(self, config: Config) -> None:
        """Forget what was measured: it was of another configuration."""
        self._config = config
        self.busy_ms.clear()
        self._since_ns = time.perf_counter_ns()
        self._begin()

    def forget_memory(self) -> None:
        """Watch memory's growth from now on: a window of another size takes more or less of it."""
        self.log.memory.clear()

    def look(self, stage: Stage) -> None:
        """Read what is on the GPU of the picture that was drawn, if it is time.

        Raises RuntimeError if OpenGL has noted an error.
        """
        scene, stats = stage.scene, self.stats
        stats.mark("picture")
        if scene.revision != self._revision:
            self._revision = scene.revision
            stats.mark("scene")
        stats.get("scales", scene.read_scales)
        segments = stats.get("segments", lambda: self._count_segments(stage))
        every = self._config.stats.gpu_frames
        if len(self.log.frame_ends) % every == 0:
            self._keep_to_budget(stage, segments, every)

    def _count_segments(self, stage: Stage) -> int:
        stage.require_no_error()
        segments = stage.scene.trails.segments_drawn
        self.log.segments.append(segments)
        self._thinned = max(stage.scene.trails.segments_there - segments, 0)
        return segments

    def _keep_to_budget(self, stage: Stage, segments: int, frames: int) -> None:
        """Let as many agents have a trail of their own as the last `frames` had time for."""
        # In lockstep a picture must not depend on how fast it was made.
        takes = 0.75 * self.may_take_ms
        if not self._lockstep and self.log.busy_s:
            takes = float(np.median(self.log.busy_s[-frames:])) * 1000
        stage.scene.keep_to_budget(segments, takes, self.may_take_ms)

    def limits(self) -> list[Limit]:
        """Return how the run stands to the health limits."""
        config = self._config.health
        return self.stats.get("health", lambda: limits(measures(self.log, config), config))

    def card(
        self,
        stage: Stage,
        viewer: Viewer,
        alarms: Sequence[tuple[str, bool | None]] = (),
        notes: Sequence[str] = (),
    ) -> Card:
        """Return what frames cost lately, and what to do about it.

        alarms: more lamps, after the limits'. notes: sentences, before the advice.
        """
        loads = worker_loads(stage.engine.worker_spans(), time.perf_counter_ns())
        parts = self.parts()
        advice = self.advice(parts, stage, viewer)
        return profile_card(
            self.log,
            self._last,
            tuple(self.busy_ms),
            self.may_take_ms,
            parts=[(part.name, part.ms) for part in parts],
            lamps=[*((each.title, each.lamp) for each in self.limits()), *alarms],
            loads=loads,
            thinned=self._thinned,
            restarts=stage.engine.restarts,
            cached=self.stats.hit_rate,
            advice=". ".join([*notes, *([advice.sentence] if advice else [])]),
        )
