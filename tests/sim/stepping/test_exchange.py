"""Actions in, outcomes out: machine code against NumPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lives import shortened, stage

from valuescape.sim.shared.layout import Ending
from valuescape.sim.stepping.exchange import Exchange

pytest.importorskip("numba")

from valuescape.sim.stepping.compiled.exchange import CompiledExchange

pytestmark = pytest.mark.regression

LIMIT, TICK = 40, 2**32 + 7
"""The tick has passed the 32 bits in which starts are kept."""


def exchanges(name, agents):
    """The plain and the compiled exchange, over arenas with the same random outcomes of `TICK`."""
    made = []
    for kind in (Exchange, CompiledExchange):
        world = shortened(name, LIMIT)
        arena, _ = stage(world, agents, given_actions=True)
        rng = np.random.default_rng(agents)
        for field in ("state", "obs", "reward"):
            arena[field][:] = rng.normal(size=arena[field].shape)
        arena["ending"][:] = rng.integers(0, 3, arena["ending"].shape)
        arena["episode_start"][:] = np.array(TICK - rng.integers(0, 2 * LIMIT, agents), np.uint64)
        made.append(kind(arena, world))
    return made


def outcome(exchange, agents):
    """Return the result of `TICK`, and whether an episode ended."""
    outs = (
        np.empty((agents, exchange.obs.shape[1]), np.float32),
        np.empty(agents),
        *np.empty((2, agents), bool),
    )
    return exchange.outcome(TICK, *outs), *outs


@pytest.mark.parametrize("agents", [1, 15, 100])
@pytest.mark.parametrize("name", ["cartpole", "pendulum", "mountain_car", "acrobot", "differential_drive"])
def test_outcomes_are_numpys(name, agents):
    """Two to six observed variables, of the state or of their own."""
    plain, compiled = exchanges(name, agents)
    ours, theirs = outcome(compiled, agents), outcome(plain, agents)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(ours[1].T, plain.obs[TICK % 3])
    assert ours[0] == (plain.arena["ending"][TICK % 3] != Ending.RUNNING).any()


def test_an_episode_may_end_in_both_ways_at_once():
    plain, compiled = exchanges("cartpole", 4)
    for exchange in (plain, compiled):
        row = TICK % 3
        exchange.arena["ending"][row] = [
            Ending.TERMINATED,
            Ending.TERMINATED,
            Ending.TRUNCATED,
            Ending.RUNNING,
        ]
        exchange.arena["episode_start"][:] = np.array(
            TICK - np.array([LIMIT, LIMIT - 1, LIMIT, LIMIT]), np.uint64
        )
        terminated, truncated = exchange.flags[row]
        assert exchange.endings(TICK)
        assert terminated.tolist() == [True, True, False, False]
        assert truncated.tolist() == [True, False, True, False]
        exchange.arena["ending"][row] = Ending.RUNNING
        assert not exchange.endings(TICK)
        assert not (terminated | truncated).any()


def taken(exchange, actions):
    """Return whether the actions are valid, the actions given after that, and which are wrong."""
    valid = exchange.take(actions)
    assert exchange.valid() == valid == (not exchange.wrong().any())
    return valid, exchange.given.copy(), exchange.wrong()


def assert_taken_alike(name, actions):
    plain, compiled = exchanges(name, len(actions))
    for a, b in zip(taken(plain, actions), taken(compiled, actions), strict=True):
        np.testing.assert_array_equal(a, b)
    return taken(compiled, actions)


@settings(deadline=None)
@given(
    st.lists(st.one_of(st.integers(-1, 3), st.integers(-(2**31), 2**31 - 1)), min_size=1, max_size=70),
    st.sampled_from(["i8", "i4", "i2", "u1", "f4", "f8"]),
)
def test_choices_are_taken_and_checked_alike(numbers, kind):
    actions = np.array(numbers, np.int64).astype(kind)
    valid, given_, wrong = assert_taken_alike("mountain_car", actions)
    inside = (actions >= 0) & (actions < 3)
    np.testing.assert_array_equal(wrong, ~inside)
    assert valid == inside.all()
    np.testing.assert_array_equal(given_[0][inside], actions[inside])


@settings(deadline=None)
@given(st.lists(st.floats(), min_size=2, max_size=70), st.sampled_from(["f4", "f8"]))
def test_numbers_are_taken_and_nan_is_found(numbers, kind):
    with np.errstate(over="ignore"):
        actions = np.array(numbers[: len(numbers) // 2 * 2]).reshape(-1, 2).astype(kind)
        expected = actions.T.astype("f4")
    valid, given_, wrong = assert_taken_alike("differential_drive", actions)
    np.testing.assert_array_equal(given_, expected)
    np.testing.assert_array_equal(wrong, np.isnan(actions).any(axis=1))
    assert valid == (not np.isnan(actions).any())


@pytest.mark.parametrize("bad", [0.5, np.nan, np.inf, -0.1])
def test_what_lies_between_choices_is_none(bad):
    valid, _, wrong = assert_taken_alike("cartpole", np.array([1.0, bad, 0.0, 1.0]))
    assert not valid
    assert wrong.tolist() == [False, True, False, False]


def test_arrays_that_do_not_lie_in_order_are_taken_too():
    ordered = np.arange(12, dtype=np.float32).reshape(6, 2)
    reversed_ = ordered[::-1]
    frozen = ordered.copy()
    frozen.flags.writeable = False
    for actions in (reversed_, np.asfortranarray(ordered), frozen):
        assert_taken_alike("differential_drive", actions)
