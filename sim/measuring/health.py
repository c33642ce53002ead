"""Frame times, rates and memory growth of a run, and the five health limits."""

import math
from array import array
from collections import deque
from dataclasses import dataclass, field

import numpy as np

from valuescape.sim.arrays import Float64Array
from valuescape.sim.config.sections import HealthConfig

ENVELOPE_S = 5.0
"""Length of the windows of each of which the least memory in use is taken."""

LEAST_WINDOWS = 8
"""Windows needed to measure growth: the megabyte that an allocator takes looks like 3 MB/min in 30 s."""

LATELY_S = 2.0
"""Seconds over which a rate is measured that is to follow changes."""


@dataclass(slots=True)
class RunLog:
    """Samples taken during a run; times are seconds of the monotonic clock.

    frame_ends: end of each frame. busy_s: the part of each frame in which the main process did not wait for
    the next one. memory: samples of (time, bytes), of all processes. segments: samples of the number of trail
    segments drawn. first_tick, last_tick: (time, tick) of the first and the last frame; lately: of those of
    the last LATELY_S. sides: runs that are drawn side by side, which a limit of draw calls is for one of. The
    others are sums over all frames. What grows with every frame is packed: 16 bytes
    per frame, 60 kB per minute.
    """

    frame_ends: "array[float]" = field(default_factory=lambda: array("d"))
    busy_s: "array[float]" = field(default_factory=lambda: array("d"))
    draw_calls: int = 0
    queries: int = 0
    upload_bytes: int = 0
    dispatches: int = 0
    memory: list[tuple[float, int]] = field(default_factory=list)
    segments: list[int] = field(default_factory=list)
    first_tick: tuple[float, int] | None = None
    last_tick: tuple[float, int] | None = None
    lately: deque[tuple[float, int]] = field(default_factory=deque)
    sides: int = 1

    def note_tick(self, now: float, tick: int) -> None:
        """Note the tick that a frame shows, which ends now (seconds)."""
        self.last_tick = now, tick
        self.first_tick = self.first_tick or self.last_tick
        self.lately.append(self.last_tick)
        while now - self.lately[0][0] > LATELY_S:
            self.lately.popleft()


@dataclass(frozen=True, slots=True)
class Limit:
    """A health limit, and the run's value for it; NaN if the run was too short to measure it."""

    name: str
    title: str
    value: float
    below: float

    @property
    def kept(self) -> bool:
        """Whether the value is below its bound; False if it could not be measured."""
        return self.value < self.below

    @property
    def lamp(self) -> bool | None:
        """Whether it is kept; None if it could not be measured."""
        return None if math.isnan(self.value) else self.kept


def fps_windows(frame_ends: Float64Array, warmup_s: float) -> Float64Array:
    """Return the frames finished in each whole second after the warm-up, [seconds] float64.

    frame_ends: [frames] float64, seconds.
    """
    if len(frame_ends) < 2:
        return np.zeros(0)
    start = frame_ends[0] + warmup_s
    windows = int(frame_ends[-1] - start)
    if windows < 1:
        return np.zeros(0)
    counts, _ = np.histogram(frame_ends, bins=start + np.arange(windows + 1))
    return counts.astype(np.float64)


def growth_per_min(samples: list[tuple[float, int]], warmup_s: float) -> float:
    """Return how fast `samples` of (seconds, bytes) grow, in MB (10^6 bytes) per minute.

    Measured on the least use within each ENVELOPE_S after the warm-up, so that memory which is given back
    again is not growth. It is the median of the slopes between all pairs of windows (Theil-Sen estimator),
    on which a single jump has an effect only in the middle of a run. NaN with fewer than LEAST_WINDOWS.
    """
    if not samples:
        return math.nan
    times, sizes = np.array(samples, np.float64).T
    window = ((times - times[0] - warmup_s) // ENVELOPE_S).astype(np.int64)
    whole = np.array([each for each in range(int(window[-1])) if (window == each).any()])
    if len(whole) < LEAST_WINDOWS:
        return math.nan
    least = np.array([sizes[window == each].min() for each in whole])
    first, second = np.triu_indices(len(whole), 1)
    slopes = (least[second] - least[first]) / ((whole[second] - whole[first]) * ENVELOPE_S)
    return float(np.median(slopes)) * 60 / 1e6


def rate(first: tuple[float, int] | None, last: tuple[float, int] | None) -> float:
    """Return the mean rate of a counter between two samples (seconds, count); NaN unless there are two."""
    if first is None or last is None or last[0] <= first[0]:
        return math.nan
    return (last[1] - first[1]) / (last[0] - first[0])


def measures(log: RunLog, config: HealthConfig) -> dict[str, float]:
    """Return the figures of a run by their names in `run.json`; NaN where the run was too short for them.

    The time of a frame is from the end of the frame before to its own end, waiting included, as a person sees
    it.
    """
    ends = np.array(log.frame_ends)
    frame_ms = np.diff(ends) * 1e3
    windows = fps_windows(ends, config.warmup_s)
    frames = max(len(ends), 1)
    elapsed = float(ends[-1] - ends[0]) if len(ends) > 1 else math.nan
    fps_mean = float(windows.mean()) if len(windows) else (len(ends) - 1) / elapsed
    figures = {
        "fps_mean": fps_mean,
        "fps_std": float(windows.std()) if len(windows) > 1 else math.nan,
        "ticks_per_s": rate(log.first_tick, log.last_tick),
        "gpu_queries_per_frame": log.queries / frames,
        "draw_calls_per_frame": log.draw_calls / frames / log.sides,
        "upload_bytes_per_frame": log.upload_bytes / frames,
        "dispatches_per_frame": log.dispatches / frames,
        "segments_per_frame": float(np.mean(log.segments)) if log.segments else math.nan,
        "memory_mb_per_min": growth_per_min(log.memory, config.warmup_s),
    }
    for percent in (50, 95, 99):
        figures[f"frame_ms_p{percent}"] = _percentile(frame_ms, percent)
        figures[f"busy_ms_p{percent}"] = _percentile(np.array(log.busy_s) * 1e3, percent)
    return figures


def _percentile(values: Float64Array, percent: float) -> float:
    return float(np.percentile(values, percent)) if len(values) else math.nan


def limits(figures: dict[str, float], config: HealthConfig) -> list[Limit]:
    """Return the five limits with a run's values. figures: from `measures`."""
    return [
        Limit("fps_std", "FPS standard deviation", figures["fps_std"], config.fps_std_below),
        Limit("frame_ms_p95", "frame time P95 (ms)", figures["frame_ms_p95"], config.frame_ms_p95_below),
        Limit(
            "gpu_queries", "GPU queries a frame", figures["gpu_queries_per_frame"], config.gpu_queries_below
        ),
        Limit("draw_calls", "draw calls a frame", figures["draw_calls_per_frame"], config.draw_calls_below),
        Limit(
            "memory",
            "memory growth (MB/min)",
            figures["memory_mb_per_min"],
            config.memory_mb_per_min_below,
        ),
    ]
