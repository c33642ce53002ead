"""The truth field: what threads make of a grid, and what is shown before they are done."""

import itertools
import threading

import numpy as np
import pytest
from small_worlds import Chain, always_on, chain_values

from valuescape.sim.errors import UsageError
from valuescape.sim.insight.plane import grid_states, own_plane
from valuescape.sim.rollouts import choose
from valuescape.sim.rollouts.choose import state_rollouts
from valuescape.sim.rollouts.compiled import CompiledRollouts
from valuescape.sim.rollouts.field import TruthField
from valuescape.sim.rollouts.plain import PlainRollouts
from valuescape.sim.rollouts.rules import CHUNK, RolloutEnd, RolloutRules
from valuescape.sim.rollouts.truth import Truth, coarse_to_fine
from valuescape.sim.worlds import make_world

EDGE = 80
assert EDGE * EDGE > CHUNK


def truth_of(made_by, states, rollouts=1, *, random=False, threads=2):
    with TruthField(made_by, states, rollouts, random=random, threads=threads) as field:
        assert field.wait(100)
        assert field.finished
        return field.look()


def same(a, b):
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in Truth.__dataclass_fields__)


def test_every_cell_has_the_return_that_follows_from_its_state():
    world = make_world("mountain_car")
    states = grid_states(own_plane(world), EDGE)
    rules = RolloutRules.of(0.98, 200)
    made_by = state_rollouts(world, None, rules)
    truth = truth_of(made_by, states)
    assert truth.value.shape == (EDGE, EDGE)
    assert (truth.rollouts == 1).all()
    assert (truth.half_width == 0).all()
    assert truth.progress == 1
    assert set(np.unique(truth.terminated)) <= {0.0, 1.0}
    # A cell at the goal's edge ends in one step: reward -1.
    assert truth.value[-1, -1] == -1
    assert truth.steps[-1, -1] == 1


def test_the_number_of_threads_changes_nothing():
    world = make_world("pendulum")
    states = grid_states(own_plane(world), EDGE)
    made_by = state_rollouts(world, None, RolloutRules.of(0.9, 200, seed=5))
    one, three = (truth_of(made_by, states, 3, random=True, threads=threads) for threads in (1, 3))
    assert (one.rollouts == 3).all()
    assert np.allclose(one.value, three.value, rtol=1e-12)  # sums of three come in any order
    assert np.array_equal(one.steps, three.steps)


def test_intervals_cover_the_value_as_often_as_they_say():
    """Of 6,400 cells, all at one of ten places of the chain: 95 % within a percent."""
    places = np.arange(EDGE * EDGE) % 10
    states = np.stack([places, np.zeros(EDGE * EDGE)]).astype(np.float32)
    made_by = CompiledRollouts(Chain(), always_on(), RolloutRules.of(0.9, 100, exploration=0.4))
    truth = truth_of(made_by, states, 64, random=True)
    expected = chain_values(0.4, 0.9)[places].reshape(EDGE, EDGE)
    covered = np.abs(truth.value - expected) <= truth.half_width
    assert 0.93 < covered[truth.half_width > 0].mean() < 0.97


class Normal:
    """Returns from a normal distribution around 0, of standard deviation 2."""

    random, most = True, CHUNK

    def run(self, states, out, part, number=0):
        drawn = np.random.default_rng([number, part.start]).normal(0, 2, part.stop - part.start)
        out.value[part] = out.total[part] = drawn
        out.steps[part], out.end[part], out.weight[part] = 1, RolloutEnd.TERMINATED, 0

    def close(self):
        pass


@pytest.mark.parametrize("rollouts", [2, 3, 8])
def test_intervals_of_few_rollouts_are_as_wide_as_they_must_be(rollouts):
    """Student's t: 1.96 standard errors of three rollouts would cover the mean in 81 % of cells."""
    truth = truth_of(Normal(), np.zeros((1, EDGE * EDGE), np.float32), rollouts, random=True)
    assert (np.abs(truth.value) <= truth.half_width).mean() == pytest.approx(0.95, abs=0.01)
    assert (truth.standard_error**2).mean() == pytest.approx(2**2 / rollouts, rel=0.06)


def test_a_standard_error_is_that_of_a_cell_s_own_rollouts():
    ones, rollouts = np.ones((1, 6)), np.array([[0, 0, 1, 1, 2, 2]], np.int32)
    half_width = np.array([[5.0, 0.0, np.inf, 0.0, 12.71, 0.0]])
    truth = Truth(ones, half_width, ones, ones, ones, ones, rollouts, 1.0)
    assert truth.standard_error[0] == pytest.approx([np.inf, np.inf, np.inf, 0.0, 1.0, 0.0])


class Slow:
    """Rollouts that wait for a permit, and give a state's first number as its return."""

    random, most = False, CHUNK

    def __init__(self):
        self.permits = threading.Semaphore(0)
        self.order = []

    def run(self, states, out, part, number=0):
        self.permits.acquire()
        self.order.append((number, part))
        out.value[part] = out.total[part] = states[0, part]
        out.steps[part], out.end[part], out.weight[part] = 1, RolloutEnd.CUT, 0.5

    def close(self):
        pass


def test_a_coarse_picture_comes_first():
    states = np.arange(EDGE * EDGE, dtype=np.float32)[None]
    slow = Slow()
    field = TruthField(slow, states, 1, random=False, threads=1)
    with field:
        assert np.isnan(field.look().value).all()
        slow.permits.release()
        while field.progress == 0:
            pass
        look = field.look()
        grid = states.reshape(EDGE, EDGE)
        assert np.array_equal(look.value, grid[::16, ::16].repeat(16, 0).repeat(16, 1))
        assert look.rollouts.sum() == 25 == look.progress * EDGE * EDGE
        slow.permits.release(100)
        assert field.wait(100)
    assert np.array_equal(field.look().value, grid)
    assert (field.look().cut == 0.5).all()


def test_leaving_it_stops_the_threads():
    states = np.zeros((1, 64 * 64), np.float32)
    slow, before = Slow(), threading.active_count()
    with TruthField(slow, states, 1000, random=True, threads=2) as field:
        assert threading.active_count() == before + 2
        slow.permits.release(3)
    assert not field.finished
    assert threading.active_count() == before


def test_one_rollout_of_many_says_nothing_of_the_spread():
    states = np.zeros((1, 16 * 16), np.float32)
    slow = Slow()
    slow.permits.release(5)
    with TruthField(slow, states, 2, random=True, threads=1) as field:
        while field.progress < 0.5:
            pass
        assert np.isinf(field.look().half_width).all()
        slow.permits.release(100)


def test_what_fails_in_a_thread_is_raised_to_who_looks():
    class Failing:
        random, most = False, CHUNK

        def run(self, states, out, part, number=0):
            raise ZeroDivisionError("in the dynamics")

        def close(self):
            pass

    with TruthField(Failing(), np.zeros((1, 64), np.float32), 1, random=False, threads=2) as field:
        with pytest.raises(ZeroDivisionError, match="in the dynamics"):
            field.wait(100)
        with pytest.raises(ZeroDivisionError, match="in the dynamics"):
            field.look()


@pytest.mark.parametrize("edge", [1, 5, 16, 33])
def test_every_cell_is_once_in_the_order(edge):
    order, levels = coarse_to_fine(edge)
    assert sorted(order.tolist()) == list(range(edge * edge))
    assert levels[0] == 0
    assert levels[-1] == edge * edge
    assert levels == sorted(levels)


def test_machine_code_is_taken_where_there_is_some(monkeypatch):
    rules, world = RolloutRules.of(0.9, 10), make_world("pendulum")
    assert type(state_rollouts(world, None, rules)) is CompiledRollouts
    assert type(state_rollouts(world, None, rules, simd=False)) is PlainRollouts
    monkeypatch.setattr(choose, "available", lambda: False)
    assert type(state_rollouts(world, None, rules)) is PlainRollouts


def test_pieces_are_as_small_as_rollouts_ask_for():
    slow = Slow()
    slow.most = 100
    slow.permits.release(1000)
    truth_of(slow, np.zeros((1, 16 * 16), np.float32))
    assert max(part.stop - part.start for _, part in slow.order) == 100


def test_a_world_s_own_chance_makes_rollouts_differ():
    """Although the policy does not draw: every cell has several rollouts, and an interval."""
    slow = Slow()
    slow.random = True
    slow.permits.release(1000)
    truth = truth_of(slow, np.arange(16.0, dtype=np.float32)[None], 3)
    assert (truth.rollouts == 3).all()


def test_a_crowd_whose_agents_interact_is_refused():
    with pytest.raises(UsageError, match="into a state of one's choice: what becomes of one depends on the"):
        state_rollouts(make_world("flock"), None, RolloutRules.of(0.9, 10))


@pytest.mark.parametrize(
    ("seconds", "sizes"),
    [(0.0, [64, 192, 768, 2048, 1024, 4096, 4096, 4096]), (1.0, [64, 192, *[256] * 63])],
)
def test_pieces_are_as_large_as_fit_a_tenth_of_a_second(monkeypatch, seconds, sizes):
    """Of a core: they double while they take less, and never get smaller than 256 but at a level's end."""
    clock = itertools.count(step=seconds)
    monkeypatch.setattr("valuescape.sim.rollouts.field.time.thread_time", lambda: next(clock))
    slow = Slow()
    slow.permits.release(1000)
    truth_of(slow, np.zeros((1, 128 * 128), np.float32), threads=1)
    assert [part.stop - part.start for _, part in slow.order] == sizes


def test_it_covers_the_grid_when_the_coarsest_cells_are_made():
    slow = Slow()
    with TruthField(slow, np.zeros((1, 32 * 32), np.float32), 1, random=False, threads=1) as field:
        assert not field.covered
        slow.permits.release(1)
        while field.progress == 0:
            pass
        assert field.covered
        assert np.isfinite(field.look().value).all()
        field.stop()
        slow.permits.release(1)
    assert not field.finished
