"""A scene whose number of agents changes: the picture is that of a scene which had those trails all along."""

import numpy as np
import pytest
from pictures import studio
from recording import Recording, spirals, with_breaks

from valuescape.gpu.live_objects import live_objects
from valuescape.sim.insight.signal_kinds import ADVANTAGE, REWARD
from valuescape.sim.insight.signals import SignalScale

pytestmark = pytest.mark.gpu

MANY, FEW, TICKS, SINCE = 24, 13, 60, 35
VIEWS = [{"flat": True}, {"flat": False}]
CROWD = "lod.segment_budget=300"
VISITS = "heatmap.density_half_life=0"  # they are counted, and never fade


class Crowd:
    """Spirals of as many agents as there are by now, also at earlier ticks, as in an engine."""

    def __init__(self, agents, *, late=True):
        """late: those from FEW on are nowhere before SINCE, as an engine has it of agents that come then."""
        positions, strands = with_breaks(spirals(MANY, TICKS), every=25)
        strands[:, FEW:] -= np.minimum(
            strands[SINCE, FEW:], strands[:, FEW:]
        )  # one that comes is on strand 0
        endings = np.zeros(strands.shape, np.uint8)
        endings[:-1] = np.diff(strands.astype(int), axis=0) > 0
        endings[:SINCE, FEW:] = 0
        if late:
            positions[:SINCE, FEW:], strands[:SINCE, FEW:] = np.nan, 255
        self._all, self.agents = Recording(positions, strands, endings), agents

    def row(self, name, tick):
        return self._all.row(name, tick)[: self.agents]

    def recent_row(self, name, tick):
        return self._all.recent_row(name, tick)[: self.agents]

    def trail_intact(self, tick):
        return True

    def recording(self, ticks=TICKS):
        """Return the rows up to a tick."""
        whole, some = self._all, slice(self.agents)
        return Recording(
            whole.positions[:ticks, some], whole.strands[:ticks, some], whole.endings[:ticks, some]
        )


class MadeUp:
    """A signal on a scale that follows nothing. late: unknown of agents that come, until they have moved."""

    decay, scale = 0.9, SignalScale("made up", -4.0, 4.0, signed=True)

    def __init__(self, settings, *, late=False):
        # Individuals' advantages are rewritten in the ring, so stamps of agents that were some would differ.
        self.signal = REWARD if CROWD in settings else ADVANTAGE
        self._rows = np.sin(np.arange(TICKS)[:, None] / 5 + np.arange(MANY)).astype(np.float32)
        if late:
            self._rows[: SINCE + 1, FEW:] = np.nan

    def row(self, tick, agents):
        return self._rows[tick, :agents].copy()


def shots(camera):
    camera.scene.read_scales()
    return [camera.shoot(layer="value", **view) for view in VIEWS]


def assert_same_pictures(found, expected):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def visits(camera):
    return camera.scene.fields.density.read_visits().astype(int)


@pytest.mark.parametrize("shown", [SINCE, SINCE - 4])
@pytest.mark.parametrize("settings", [(), (CROWD,), ("features.batched_trails=false",)])
def test_a_crowd_that_grew_looks_like_one_whose_agents_came_late(gl, settings, shown):
    """Whether or not the tick at which the new agents came was shown before."""
    with studio(
        gl, Crowd(MANY).recording(), VISITS, *settings, signals=MadeUp(settings, late=True)
    ) as camera:
        expected, counted = shots(camera), visits(camera)
    crowd, signals = Crowd(FEW), MadeUp(settings)
    long = f"trails.length={TICKS}"
    with studio(gl, crowd.recording(2), VISITS, long, *settings, signals=signals) as camera:
        scene = camera.scene
        scene.take_ticks(crowd, shown, signals)
        scene.highlight(np.array([3]))
        camera.shoot(layer="value")
        crowd.agents = MANY
        scene.resize_crowd(MANY, SINCE, crowd)
        assert scene.trails.individuals.highlighted.tolist() == [3]
        scene.highlight(np.zeros(0, np.intp))
        scene.take_ticks(crowd, TICKS - 1, signals)
        assert_same_pictures(shots(camera), expected)
        assert (counted - visits(camera)).sum() == MANY - FEW  # one counts from the tick after it came


@pytest.mark.parametrize("settings", [(), (CROWD,)])
def test_a_crowd_that_shrank_looks_like_those_that_stayed(gl, settings):
    """What agents visited that are gone stays in the map of visits."""
    signals = MadeUp(settings)
    with studio(gl, Crowd(FEW).recording(), VISITS, *settings, signals=signals) as camera:
        expected, counted = shots(camera), visits(camera)
    crowd = Crowd(MANY, late=False)
    with studio(
        gl, crowd.recording(SINCE), VISITS, f"trails.length={TICKS}", *settings, signals=signals
    ) as camera:
        scene = camera.scene
        scene.highlight(np.array([3, 20]))
        camera.shoot(layer="value")
        before = visits(camera)
        crowd.agents = FEW
        scene.resize_crowd(FEW, SINCE, crowd)
        assert scene.trails.individuals.highlighted.tolist() == [3]
        scene.highlight(np.zeros(0, np.intp))
        scene.take_ticks(crowd, TICKS - 1, signals)
        assert_same_pictures(shots(camera), expected)
        gone = before.sum() - SINCE * FEW
        assert (visits(camera) - counted).sum() == gone > 0


@pytest.mark.parametrize("settings", [(CROWD,), ("features.instanced_agents=false",)])
def test_changes_of_the_number_leave_no_objects(gl, settings):
    crowd, signals = Crowd(MANY), MadeUp(settings)
    with studio(gl, crowd.recording(SINCE), *settings, signals=signals) as camera:
        seen = []
        for agents in (FEW, MANY) * 4:
            crowd.agents = agents
            camera.scene.resize_crowd(agents, SINCE, crowd)
            camera.shoot(layer="value")
            if agents == MANY:
                seen.append(live_objects())
        assert all(each == seen[0] for each in seen)
