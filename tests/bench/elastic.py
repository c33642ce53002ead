"""The pause of an engine whose workers and agents change: the longest time in which no tick is made.

Run it by hand: make bench-elastic. A thread looks at the newest tick all the time; the main thread makes
frames without pictures, 60 a second, and counts its own stalls.
"""

import itertools
import threading
import time
from pathlib import Path

from valuescape.presets import find_checkpoint
from valuescape.sim.config.files import changed, load_config
from valuescape.sim.engine import Engine
from valuescape.sim.worlds import make_world

ROOT = Path(__file__).parents[2]
FRAME_S = 1 / 60
CASES = {
    "demo, 240 agents": ["sim.ticks_per_s=60"],
    "demo, 240 agents, as fast as can be": ["sim.ticks_per_s=0"],
    "100,000 agents": ["sim.ticks_per_s=60", "agents.count=100000"],
    "100,000 agents, as fast as can be": ["sim.ticks_per_s=0", "agents.count=100000"],
}
STEPS = (
    ("workers.count", 2),
    ("workers.count", 4),
    ("workers.count", 1),
    ("agents.count", 1.5),
    ("agents.count", 1 / 1.5),
    ("policy.exploration", 0.1),
)
"""What is changed, one after the other; agents by a factor."""


class Watch(threading.Thread):
    """Notes when each newest tick was first seen."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(daemon=True)
        self.engine, self.over = engine, False
        self.seen: list[tuple[int, float]] = [(-1, time.perf_counter())]

    def run(self) -> None:
        """Look every 0.2 ms."""
        while not self.over:
            newest = self.engine.newest_tick
            if newest != self.seen[-1][0]:
                self.seen.append((newest, time.perf_counter()))
            time.sleep(0.0002)

    def pause_ms(self, tick: int) -> float:
        """Return how long `tick` was the newest."""
        ends = [when for newest, when in self.seen if newest > tick]
        begins = [when for newest, when in self.seen if newest <= tick]
        return (ends[0] - begins[-1]) * 1e3

    def longest_ms(self, since_s: float) -> float:
        """Return the longest pause since then."""
        times = [when for _, when in self.seen if when > since_s]
        return max(after - before for before, after in itertools.pairwise(times)) * 1e3


def frames(engine: Engine, until) -> float:
    """Make frames until `until()`; return the longest call of `check`, ms."""
    longest = 0.0
    while not until():
        began = time.perf_counter()
        engine.check()
        took = time.perf_counter() - began
        longest = max(longest, took)
        time.sleep(max(0.0, FRAME_S - took))
    return longest * 1e3


def for_seconds(seconds: float):
    """Return a condition that holds after so many seconds."""
    end = time.perf_counter() + seconds
    return lambda: time.perf_counter() > end


def change(engine: Engine, watch: Watch, name: str, value: float) -> tuple[float, ...]:
    """Change a setting; return the pause, the longest one until then, the longest check, ms, and seconds."""
    began = time.perf_counter()
    engine.change(changed(engine.config, {name: value}))
    stall = frames(engine, lambda: not engine.changing)
    took = time.perf_counter() - began
    assert not engine.change_failed
    stall = max(stall, frames(engine, for_seconds(0.3)))
    return watch.pause_ms(engine.changes[-1].tick), watch.longest_ms(began), stall, took


def measure(changes: list[str], repeats: int = 5) -> None:
    """Print the least pauses of one case: what else runs on the machine only adds to them."""
    config = load_config(ROOT / "configs" / "demo.toml", ["workers.count=1", *changes])
    checkpoint = find_checkpoint("auto", make_world(config.world.name))
    with Engine(config, checkpoint) as engine:
        engine.wait_ready()
        engine.run_freely()
        watch = Watch(engine)
        watch.start()
        results: dict[str, list[tuple[float, ...]]] = {}
        for repeat in range(repeats):
            for name, factor in STEPS:
                value = {"agents.count": round(engine.config.agents.count * factor)}.get(name, factor)
                value = factor + repeat / 100 if name == "policy.exploration" else value
                results.setdefault(f"{name}: {factor:.2g}", []).append(change(engine, watch, name, value))
            began = time.perf_counter()
            stall = frames(engine, for_seconds(1))
            longest = watch.longest_ms(began)
            results.setdefault("nothing", []).append((longest, longest, stall, 1.0))
        watch.over = True
        watch.join()
    for name, found in results.items():
        least = [min(column) for column in zip(*found, strict=True)]
        print(
            f"  {name:24} pause {least[0]:6.1f} ms, longest meanwhile {least[1]:6.1f} ms, "
            f"longest check {least[2]:6.1f} ms, after {least[3]:5.2f} s"
        )


if __name__ == "__main__":
    for case, settings in CASES.items():
        print(case)
        measure(settings)
