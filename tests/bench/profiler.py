"""Times the profiler itself: one section, and its share of a frame. Run it by `make bench-profiler`."""

import time
from statistics import median

from valuescape.sim.measuring.profiler import PerformanceProfiler

SECTIONS_A_FRAME, FRAME_MS = 18, 20.0
"""Sections of the main loop in a frame, and the time that a frame of the demo may take."""


def main() -> None:
    profiler = PerformanceProfiler()
    section, took = profiler.section("section"), []
    for _ in range(50):
        began = time.perf_counter()
        for _ in range(1_000):
            with section:
                pass
        took.append((time.perf_counter() - began) / 1_000 * 1e6)
    each = median(took)
    share = SECTIONS_A_FRAME * each / (FRAME_MS * 1000)
    print(f"a section takes {each:.2f} us; {SECTIONS_A_FRAME} of them {share:.2%} of a frame")


if __name__ == "__main__":
    main()
