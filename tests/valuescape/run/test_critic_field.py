"""Where the critic's field is computed, and what is shown while that takes several frames."""

import math
from dataclasses import dataclass, field, replace

import pytest

from valuescape.presets import find_checkpoint
from valuescape.run import field_backend
from valuescape.run.critic_field import Landscape
from valuescape.run.field_backend import Backend, backend_of
from valuescape.sim.config.files import load_config
from valuescape.sim.insight.plane import own_plane
from valuescape.sim.worlds import make_world

PLANE = own_plane(make_world("pendulum"))


@dataclass
class Slow:
    """Computes fields in three calls each; `texture` has the planes' values of the last that was finished."""

    texture: object = None
    begun: list = field(default_factory=list)
    given: list = field(default_factory=list)

    def begin(self, plane):
        self.begun.append(plane.values)
        calls = iter((False, False, True))

        def go_on(seconds):
            self.given.append(seconds)
            if done := math.isinf(seconds) or next(calls):
                self.texture = plane.values
            return done

        return go_on


def at(*values):
    return replace(PLANE, values=values)


def test_without_a_budget_every_call_finishes():
    slow = Slow()
    landscape = Landscape(slow, slow.begin, at(0, 0))
    assert landscape.show(at(1, 0))
    assert slow.texture == (1, 0)
    assert not landscape.show(at(1, 0)), "nothing is computed twice"


def test_a_slow_field_is_shown_when_it_is_whole_and_the_newest_that_was_asked_for_next():
    slow = Slow()
    landscape = Landscape(slow, slow.begin, at(0, 0))
    assert not landscape.show(at(1, 0), 0.0)
    assert not landscape.show(at(2, 0), 0.0)
    assert (slow.texture, landscape.plane.values) == ((0, 0), (2, 0))
    assert landscape.show(at(3, 0), 0.0), "the first is whole"
    assert slow.texture == (1, 0)
    assert [landscape.go_on(0.0) for _ in range(3)] == [False, True, False]
    assert slow.texture == (3, 0)
    assert slow.begun == [(0, 0), (1, 0), (3, 0)], "(2, 0) was overtaken"
    assert landscape.show(at(4, 0))
    assert slow.texture == (4, 0)


def test_another_critic_waits_for_the_field_under_way():
    slow, other = Slow(), Slow()
    landscape = Landscape(slow, slow.begin, at(0, 0))
    landscape.show(at(1, 0), 0.0)
    landscape.learn(other.begin, at(1, 0), 0.0)
    while landscape.go_on(0.0) or not other.texture:
        pass
    assert (slow.texture, other.texture) == ((1, 0), (1, 0))


@pytest.fixture
def shipped():
    return find_checkpoint("auto", make_world("pendulum"))


class Driver:
    """The identification of a driver, in the place of a context."""

    def __init__(self, renderer):
        self.info = {"GL_RENDERER": renderer, "GL_VENDOR": "", "GL_VERSION": "4.5"}


def test_a_graphics_card_computes_the_field_unless_told_otherwise(shipped, monkeypatch):
    monkeypatch.setattr(field_backend, "_measured", lambda *_: pytest.fail("nothing to measure"))
    card = Driver("NVIDIA H100")
    assert backend_of(card, load_config(None, []), shipped) is Backend.GPU
    assert backend_of(card, load_config(None, ["heatmap.backend=cpu"]), shipped) is Backend.CPU
    assert backend_of(card, load_config(None, ["features.gpu_heatmap=false"]), shipped) is Backend.CPU


def test_with_a_software_driver_the_faster_way_is_measured_once(shipped, monkeypatch):
    measured = []
    monkeypatch.setattr(field_backend, "_faster", {})
    monkeypatch.setattr(field_backend, "_measured", lambda *_: measured.append(1) or Backend.CPU)
    software = Driver("llvmpipe (LLVM 15.0.6, 256 bits)")
    for _ in range(2):
        assert backend_of(software, load_config(None, []), shipped) is Backend.CPU
    assert len(measured) == 1
    assert backend_of(software, load_config(None, ["heatmap.backend=gpu"]), shipped) is Backend.GPU
    assert backend_of(software, load_config(None, ["features.simd=false"]), shipped) is Backend.GPU
    assert len(measured) == 1
