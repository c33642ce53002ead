"""Tests divided among processes: the longest files first, tests that need the machine for themselves last."""

import math
from pathlib import Path

from xdist.scheduler import LoadFileScheduling

ALONE = "@alone"
"""What the names of tests that need the machine end with, in processes that share a run."""

_MARKERS = ("performance", "alone")

TIMES = Path(__file__).parents[1] / "times.txt"
"""Processor seconds of each file of tests, as `make test-times` measured them."""


class LongestFirst(LoadFileScheduling):
    """Gives each file to one process, in the order of collection, and ALONE to the last one that is left.

    The others are ended before, so that no test runs beside those.
    """

    def __init__(self, config, log=None):
        config.option.loadscopereorder = False  # which orders files by their number of tests
        super().__init__(config, log)

    def _split_scope(self, nodeid):
        return ALONE if nodeid.endswith(ALONE) else super()._split_scope(nodeid)

    def _assign_work_unit(self, node):
        others = [each for each in self.nodes if each is not node]
        if next(iter(self.workqueue)) != ALONE or not others:
            super()._assign_work_unit(node)
        elif not all(each.shutting_down for each in others):
            node.shutdown()  # it does what it has been given so far

    def remove_node(self, node):
        crashed = super().remove_node(node)
        for each in self.nodes if self.workqueue else ():
            self._reschedule(each)
        return crashed


def longest_first(items):
    """Sort tests by the times of their files, new files first; mark what is ALONE, and put it last."""
    times = read_times()
    for item in items:
        if any(item.get_closest_marker(name) for name in _MARKERS):
            item._nodeid += ALONE
    items.sort(key=lambda item: (item.nodeid.endswith(ALONE), -times.get(file_of(item.nodeid), math.inf)))


def file_of(nodeid):
    """Return the file of a test."""
    return nodeid.partition("::")[0]


def read_times():
    """Return the seconds of each file in TIMES."""
    rows = (line.split() for line in TIMES.read_text(encoding="utf-8").splitlines())
    return {file: float(seconds) for seconds, file in rows}
