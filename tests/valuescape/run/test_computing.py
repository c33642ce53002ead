"""Maps that are computed in a thread while they are shown, and what the picture says meanwhile."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from linear_critics import linear_checkpoint, request_of

from valuescape.gpu.layers.registry import MAPS
from valuescape.run.map_sources.computed import ComputedMaps
from valuescape.run.map_sources.source import Question

REQUEST = request_of(linear_checkpoint())


@pytest.fixture
def maps():
    maps = ComputedMaps()
    yield maps
    maps.release()


@pytest.fixture
def gate():
    """Two events: a map has begun; maps go on, which is set at the end."""
    gate = threading.Event(), threading.Event()
    yield gate
    gate[1].set()


def layer(gate, name="uphill"):
    def compute(request):
        begun, go_on = gate
        begun.set()
        go_on.wait(10)
        return np.zeros((2, 2), np.float32)

    return replace(MAPS.find(name), compute=compute)


def ask(maps, *layers, **how):
    return [each.name for each in maps.answers(Question(frozenset(layers), REQUEST, range(0), **how))]


def test_a_map_that_is_hidden_is_no_longer_said_to_be_computed(maps, gate):
    first, second = layer(gate), layer(gate, "flow")
    assert ask(maps, first) == []
    assert ask(maps, first, second) == []
    assert maps.doing == "flow, uphill"
    assert gate[0].wait(10)
    assert ask(maps) == []
    assert maps.doing == "uphill"  # a computation that has begun cannot be stopped
    gate[1].set()
    maps._coming["uphill"][1].result(10)
    assert ask(maps) == []
    assert maps.doing == ""
    assert ask(maps, first, waits=True) == ["uphill"]
