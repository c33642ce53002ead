"""Processor time of tests, with that of the processes that they start and wait for."""

import collections
import resource

import psutil
import pytest
from multiprocess import forkserver
from scheduling import TIMES, file_of

_MANY = 500
"""Tests in a run from which on the slowest are listed without being asked for."""

_SHOWN = 15


class Times:
    """Measures each phase of a test, wherever it runs; adds up and tells in the process that reports.

    Time on the clock says little here: it depends on what else the machine does, and tests wait.
    """

    def __init__(self, *, tables, kept):
        """tables: whether files and folders are listed. kept: whether the times of files go to TIMES."""
        self._tables = tables
        self._kept = kept
        self._before_s = 0.0
        self._cpu_s = collections.Counter()
        self._wall_s = collections.Counter()

    def pytest_runtest_logstart(self):
        self._before_s = used_s()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self):
        report = yield
        now_s = used_s()
        report.cpu_s, self._before_s = now_s - self._before_s, now_s
        return report

    def pytest_runtest_logreport(self, report):
        name = report.nodeid
        self._cpu_s[name] += getattr(report, "cpu_s", 0.0)  # not if its process crashed
        self._wall_s[name] += report.duration

    def pytest_terminal_summary(self, terminalreporter):
        if self._tables or len(self._cpu_s) >= _MANY:
            terminalreporter.section("processor time (s), tests")
            self._tell(terminalreporter, {name: [name] for name, _ in self._cpu_s.most_common(_SHOWN)})
        if self._tables:
            terminalreporter.section("processor time (s), folders")
            self._tell(terminalreporter, self._grouped(lambda name: file_of(name).rpartition("/")[0]))
            terminalreporter.section("processor time (s), files")
            self._tell(terminalreporter, self._grouped(file_of))
        if self._kept:
            self._keep()

    def _grouped(self, group_of):
        groups = collections.defaultdict(list)
        for name in self._cpu_s:
            groups[group_of(name)].append(name)
        return groups

    def _tell(self, reporter, groups):
        """Write a line for each group of tests, those that take longest first, and one for all."""
        rows = [
            (self._sum(names), sum(map(self._wall_s.get, names)), len(names), group)
            for group, names in groups.items()
        ]
        for cpu_s, wall_s, count, group in sorted(rows, reverse=True):
            reporter.write_line(f"{cpu_s:8.1f} {wall_s:8.1f} on the clock {count:5d} tests  {group}")
        cpu_s, wall_s, count = (sum(row[index] for row in rows) for index in range(3))
        reporter.write_line(f"{cpu_s:8.1f} {wall_s:8.1f} on the clock {count:5d} tests  together")

    def _sum(self, names):
        return sum(self._cpu_s[name] for name in names)

    def _keep(self):
        seconds = {file: round(self._sum(names), 1) for file, names in self._grouped(file_of).items()}
        ordered = sorted(seconds.items(), key=lambda each: (-each[1], each[0]))
        TIMES.write_text("".join(f"{each_s} {file}\n" for file, each_s in ordered), encoding="utf-8")


def used_s():
    """Return the processor time of this process, and of all that it, or its fork server, has waited for."""
    of = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in of) + _forkserver_s()


def _forkserver_s():
    pid = forkserver._forkserver._forkserver_pid
    if pid is None:
        return 0.0
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.NoSuchProcess:  # its time counts as that of a child
        return 0.0
    return times.user + times.system + times.children_user + times.children_system
