"""Tests shared by processes: each runs once, those that need the machine when no other process is left."""

import os
from types import SimpleNamespace

import pytest
from scheduling import TIMES, LongestFirst, longest_first, read_times, tell_alone, told_alone

RUN = f"of-a-test-{os.getpid()}"


class Node:
    """A process of pytest-xdist: it runs a test once it knows the next one, or that there is none."""

    def __init__(self):
        self.gateway = SimpleNamespace(id="gw")
        self.workerinput = {"testrunuid": RUN}
        self.waiting, self.shutting_down, self.ended, self.used = [], False, False, False

    def send_runtest_some(self, indices):
        self.waiting += indices
        self.used = True

    def shutdown(self):
        self.shutting_down = True


def run(names, alone, nodes, order):
    """Run tests on nodes, which take turns as `order` says; return (name, nodes in use then)."""
    option = SimpleNamespace(tx=["popen"] * len(nodes), maxworkerrestart=None)
    config = SimpleNamespace(option=option, getvalue=lambda name: getattr(option, name))
    scheduler, ran = LongestFirst(config), []
    for node in nodes:
        scheduler.add_node(node)
        scheduler.add_node_collection(node, names)
    tell_alone(RUN, alone)
    scheduler.schedule()
    for turn in range(1000):
        node = nodes[order(turn) % len(nodes)]
        if len(node.waiting) > 1 or (node.waiting and node.shutting_down):
            index = node.waiting.pop(0)
            ran.append((names[index], [each for each in nodes if each.used and not each.ended]))
            scheduler.mark_test_complete(node, index)
        elif node.shutting_down and not node.ended:
            node.ended = True
            if node in scheduler.nodes:
                scheduler.remove_node(node)
        if scheduler.tests_finished:  # as pytest-xdist looks after each event
            for each in nodes:
                each.shutdown()
    assert all(node.ended for node in nodes)
    return ran


ORDERS = {
    "in turn": lambda turn: turn,
    "the first first": lambda turn: turn // 60,
    "two": lambda turn: turn // 2,
}


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("alone", [0, 1, 5])
@pytest.mark.parametrize("files", [0, 1, 2, 7])
def test_every_test_runs_once_and_those_alone_when_one_process_is_left(files, alone, count, order):
    together = [f"tests/test_{file}.py::test_{index}" for file in range(files) for index in range(file + 1)]
    apart = [f"tests/test_0.py::test_slow_{index}" for index in range(alone)]
    ran = run([*together, *apart], apart, [Node() for _ in range(count)], order) if together or apart else []
    assert sorted(name for name, _ in ran) == sorted([*together, *apart])
    for name, nodes in ran:
        assert name in together or len(nodes) == 1
    if apart:
        assert [name for name, _ in ran][-alone:] == apart


class Item:
    """A test with markers."""

    def __init__(self, nodeid, *markers):
        self.nodeid, self.markers = nodeid, markers

    def get_closest_marker(self, name):
        return name in self.markers


def test_new_files_come_first_then_those_that_took_longest_and_in_a_file_nothing_changes_places(monkeypatch):
    monkeypatch.setattr("scheduling.read_times", lambda: {"a.py": 1.0, "b.py": 9.0})
    items = [Item("a.py::x"), Item("b.py::z"), Item("b.py::y", "alone"), Item("b.py::a"), Item("new.py::x")]
    longest_first(items, RUN)
    assert [each.nodeid for each in items] == ["new.py::x", "b.py::z", "b.py::a", "a.py::x", "b.py::y"]
    assert told_alone(RUN) == {"b.py::y"}


def test_times_that_are_kept_are_read():
    times = read_times()
    assert list(times.values()) == sorted(times.values(), reverse=True)
    assert len(times) == len(TIMES.read_text(encoding="utf-8").splitlines()) > 100
