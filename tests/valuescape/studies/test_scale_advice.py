"""The number of workers that `scale` advises: more only if faster beyond the spread of repeats."""

import math
import random
from statistics import stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from valuescape.studies.confidence import Ratio
from valuescape.studies.scale import Cell
from valuescape.studies.scale_report import verdict_lines
from valuescape.studies.scale_verdict import WORTH, best_workers, judge, judge_all


def advised(cores=8, **rates):
    """Return the number of workers advised for rates such as `w2=[…]`."""
    return best_workers(1_000, {int(name[1:]): values for name, values in rates.items()}, cores)[0]


def test_more_workers_have_to_be_worth_it():
    assert advised(w0=[100, 101, 99], w1=[98, 98, 98], w2=[190, 191, 189], w4=[192, 190, 194]) == 2
    assert advised(w0=[100, 101, 99], w1=[50, 51, 49], w2=[80, 81, 79]) == 0
    assert advised(w1=[100, 100, 100], w2=[104, 104, 104], w4=[108, 108, 108]) == 4  # of two at once


def test_a_gain_within_the_spread_of_repeats_is_chance():
    """Measured on 2 cores: in the median, 4 workers were faster than 2, by the noise of one repeat."""
    noisy = {"w2": [150.0, 204.0, 190.0], "w4": [210.0, 195.0, 205.0]}
    assert advised(**noisy) == 2
    assert advised(w2=[190.0, 192.0, 191.0], w4=[210.0, 212.0, 211.0]) == 4


def test_repeats_are_compared_pair_by_pair():
    """A machine that is slow in one repeat, for all, leaves the comparison certain."""
    assert advised(w0=[100, 50, 25], w2=[180, 92, 45]) == 2
    assert advised(w0=[100, 50, 25], w2=[45, 92, 180]) == 0


def test_what_was_measured_once_advises_nothing():
    assert advised(w0=[100], w2=[190]) == 0
    said = " ".join(
        verdict_lines(judge([Cell(0, 10, ticks_per_s=[100.0]), Cell(2, 10, ticks_per_s=[190.0])]), 1)
    )
    assert "Measured once, there is no telling what is chance" in said
    assert "10 agents with 2 workers: 1.90 times as fast as with no workers, once." in said


def test_more_workers_than_cores_need_clearer_evidence():
    """The interval's lower end has to be worth it, otherwise the mean."""
    slight = {"w2": [100.0, 100.0, 100.0], "w4": [106.0, 108.0, 107.0]}
    assert advised(cores=4, **slight) == 4
    assert advised(cores=2, **slight) == 2
    assert advised(cores=2, w2=[100.0, 100.0, 100.0], w4=[120.0, 122.0, 121.0]) == 4


@given(st.integers(0, 10_000), st.floats(0.005, 0.2))
def test_noise_alone_hardly_ever_makes_more_workers_the_advice(seed, noise):
    """With 95 % intervals, 2.5 % of single tries go wrong, and rarely several of twenty."""
    chance = random.Random(seed)

    def repeats():
        return [100 * math.exp(chance.gauss(0, noise)) for _ in range(3)]

    wrong = sum(advised(w1=repeats(), w2=repeats()) == 2 for _ in range(20))
    assert wrong <= 5


def test_the_interval_is_of_the_logarithms():
    """Ratios 2, 4, 8: mean of base-2 logarithms 2, standard error 1 / sqrt(3), t(2) = 4.303."""
    found = Ratio.of([2.0, 8.0, 24.0], [1.0, 2.0, 3.0])
    reach = 2 ** (4.303 * stdev([1, 2, 3]) / math.sqrt(3))
    assert found.times == pytest.approx(4.0)
    assert (found.low, found.high) == pytest.approx((4 / reach, 4 * reach), rel=2e-3)
    assert Ratio.of([3.0], [1.0]).low == 0
    assert math.isinf(Ratio.of([3.0], [1.0]).high)


def test_the_uncertainty_is_said():
    cells = [
        Cell(0, 1_000, ticks_per_s=[100.0, 102.0, 101.0]),
        Cell(2, 1_000, ticks_per_s=[190.0, 188.0, 192.0]),
        Cell(4, 1_000, ticks_per_s=[260.0, 180.0, 199.0]),
    ]
    verdict = judge(cells, cores=2)
    assert verdict.best == {1_000: 2}
    said = "\n".join(verdict_lines(verdict, 3))
    assert "1,000 agents with 2 workers: 1.88 times as fast as with no workers (95 %: 1.80 to 1.97)" in said
    assert (
        "1,000 agents with 4 workers: 1.11 times as fast as with 2 workers, which may be chance (95 %" in said
    )
    assert "there are 2 cores" in said
    unclear = verdict.speedups[-1]
    assert unclear.ratio.times > WORTH
    assert not unclear.clear


def test_settings_of_a_sweep_are_judged_apart():
    cells = [
        Cell(workers, 100, {"features.simd": simd}, ticks_per_s=[rate, rate * 1.01, rate * 0.99])
        for workers, simd, rate in ((0, True, 100.0), (2, True, 60.0), (0, False, 10.0), (2, False, 19.0))
    ]
    cells.append(Cell(0, 100, {"features.simd": None}))  # nothing measured
    found = judge_all(cells)
    assert [(settings["features.simd"], verdict.best) for settings, verdict in found] == [
        (True, {100: 0}),
        (False, {100: 2}),
    ]
