"""Tests divided among processes: the longest files first, tests that need the machine for themselves last."""

import math
import os
import tempfile
from pathlib import Path

from xdist.scheduler import LoadFileScheduling

ALONE = "alone"
"""Stands for the tests that need the machine for themselves, as a file that one process runs."""

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
        self._alone = frozenset()

    def schedule(self):
        if self.collection is None:
            self._alone = told_alone(self.nodes[0].workerinput["testrunuid"])
        super().schedule()

    def _split_scope(self, nodeid):
        return ALONE if nodeid in self._alone else super()._split_scope(nodeid)

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


def longest_first(items, run):
    """Sort tests by the times of their files, new files first and what is ALONE last; tell which are that.

    run: the name of the run in the process that divides the tests, too, which sees no more than their names.
    """
    times = read_times()
    alone = {item.nodeid for item in items if is_alone(item)}
    items.sort(key=lambda item: (item.nodeid in alone, -times.get(file_of(item.nodeid), math.inf)))
    tell_alone(run, alone)


def is_alone(item):
    """Return whether a test needs the machine for itself."""
    return any(map(item.get_closest_marker, _MARKERS))


def tell_alone(run, names):
    """Leave the names of the tests that are ALONE for `told_alone`; each process of a run leaves the same."""
    part = _place(run).with_suffix(f".{os.getpid()}")
    part.write_text("\n".join(sorted(names)), encoding="utf-8")
    part.rename(_place(run))


def told_alone(run):
    """Return the names that were left, and remove them."""
    names = _place(run).read_text(encoding="utf-8").splitlines()
    _place(run).unlink()
    return frozenset(names)


def _place(run):
    return Path(tempfile.gettempdir()) / f"valuescape-tests-{run}"


def file_of(nodeid):
    """Return the file of a test."""
    return nodeid.partition("::")[0]


def read_times():
    """Return the seconds of each file in TIMES."""
    rows = (line.split() for line in TIMES.read_text(encoding="utf-8").splitlines())
    return {file: float(seconds) for seconds, file in rows}
