"""Arithmetic for worlds: its accuracy, and that NumPy and machine code give the same bits."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from valuescape.sim import elementwise
from valuescape.sim.rng import normal_pair, philox_words, unit_float

numba = pytest.importorskip("numba")

ANGLE = 8000.0
angles = st.floats(-ANGLE, ANGLE, width=32)
normal_floats = st.floats(min_value=float(np.finfo(np.float32).tiny), width=32, allow_infinity=False)
any_float = st.floats(width=32)
finite = st.floats(width=32, allow_nan=False, allow_infinity=False)


def spread(low, high, count=200_000):
    """Return float32 numbers over a range, and those next to the multiples of pi/4 in it."""
    multiples = np.arange(math.ceil(low / (math.pi / 4)), math.floor(high / (math.pi / 4)) + 1) * math.pi / 4
    near = [np.float32(multiples)]
    for away in (-np.inf, np.inf):
        near.append(np.nextafter(near[0], np.float32(away)))
    return np.concatenate([np.linspace(low, high, count, dtype=np.float32), *near])


def worst(ours, exact, relative=False):
    """Return the largest error of float32 `ours` against float64 `exact`."""
    assert ours.dtype == np.float32
    error = np.abs(ours.astype(np.float64) - exact)
    return float((error / np.abs(exact) if relative else error).max())


@pytest.mark.parametrize(
    ("ours", "exact"), [(elementwise.sin, np.sin), (elementwise.cos, np.cos)], ids=["sin", "cos"]
)
def test_sine_and_cosine_are_within_1_2e_7(ours, exact):
    """Compared with float64, for |x| < 8,000, as the docstring says; float32 near 1 has steps of 6e-8."""
    x = spread(-ANGLE, ANGLE, 2_000_000)
    assert worst(ours(x), exact(x.astype(np.float64))) < 1.2e-7


@settings(deadline=None)
@given(angles)
def test_sine_and_cosine_are_within_1_2e_7_anywhere(x):
    """The same bound for numbers that hypothesis chooses: whole, tiny and extreme ones."""
    one = np.array([x], np.float32)
    assert worst(elementwise.sin(one), np.sin(one.astype(np.float64))) < 1.2e-7
    assert worst(elementwise.cos(one), np.cos(one.astype(np.float64))) < 1.2e-7


def test_sine_is_relatively_exact_near_zero():
    """Within two float32 steps: the small angle of something that hangs at rest must not become 0."""
    x = np.float32(np.concatenate([-np.logspace(-30, 0, 5000), np.logspace(-30, 0, 5000)]))
    assert worst(elementwise.sin(x), np.sin(x.astype(np.float64)), relative=True) < 2.4e-7


def test_log_is_within_1e_7_of_its_size_or_1e_7():
    """For every exponent of normal numbers, and closely around 1, where it is near zero."""
    mantissas = np.linspace(1, 2, 2001, dtype=np.float32)[:-1]
    exponents = np.arange(-126, 128)
    x = np.float32(np.ldexp(mantissas[:, None].astype(np.float64), exponents).ravel())
    x = np.concatenate([x, np.linspace(0.5, 2, 1_000_000, dtype=np.float32)])
    exact = np.log(x.astype(np.float64))
    error = np.abs(elementwise.log(x) - exact)
    assert (error <= 1e-7 * np.maximum(1, np.abs(exact))).all()


@settings(deadline=None)
@given(normal_floats)
def test_log_is_within_1e_7_anywhere(x):
    """The same bound for numbers that hypothesis chooses."""
    one = np.array([x], np.float32)
    exact = math.log(float(one[0]))
    assert abs(float(elementwise.log(one)[0]) - exact) <= 1e-7 * max(1.0, abs(exact))


def test_a_wrapped_angle_points_as_before_and_lies_within_half_a_turn():
    """Within two roundings of numbers of that size: whole turns are subtracted in float32."""
    x = spread(-100, 100)
    wrapped = elementwise.wrap_angle(x)
    turns = (x.astype(np.float64) - wrapped) / (2 * math.pi)
    assert np.abs(turns - np.round(turns)).max() * 2 * math.pi < 2 * 100 * 2.0**-24 * 2
    assert np.abs(wrapped).max() <= np.float32(math.pi) + 100 * 2.0**-24 * 2


@settings(deadline=None)
@given(st.lists(finite, min_size=1, max_size=20), finite, finite)
def test_what_is_exact_is_numpys(numbers, a, b):
    """Comparisons, magnitude, floor and clip do not round, so that NumPy's results are exact."""
    x, low, high = np.array(numbers, np.float32), np.float32(min(a, b)), np.float32(max(a, b))
    np.testing.assert_array_equal(elementwise.minimum(x, low), np.minimum(x, low))
    np.testing.assert_array_equal(elementwise.maximum(x, low), np.maximum(x, low))
    np.testing.assert_array_equal(elementwise.clip(x, low, high), np.clip(x, low, high))
    np.testing.assert_array_equal(elementwise.absolute(x), np.abs(x))
    np.testing.assert_array_equal(elementwise.floor(x), np.floor(x))
    np.testing.assert_array_equal(elementwise.sqrt(np.abs(x)), np.sqrt(np.abs(x)))


@settings(deadline=None)
@given(any_float)
def test_bits_come_back_as_the_float_they_are_of(x):
    one = np.array([x], np.float32)
    bits = elementwise.float_bits(one)
    assert bits.dtype == np.int32
    assert elementwise.bits_float(bits).tobytes() == one.tobytes()


def test_everything_stays_float32():
    """Otherwise the compiled twin, which computes in float32, could not give the same bits."""
    x = np.float32([0.25, 2])
    for name in UNARY:
        assert getattr(elementwise, name)(x).dtype == np.float32, name
    assert elementwise.minimum(x, np.float32(1)).dtype == np.float32
    assert elementwise.clip(x, np.float32(0), np.float32(1)).dtype == np.float32


# --- Compiled --------------------------------------------------------------------------------------------

UNARY = {
    "sin": any_float,
    "cos": any_float,
    "wrap_angle": any_float,
    "floor": any_float,
    "absolute": any_float,
    "sqrt": st.floats(0, width=32),
    "log": normal_floats,
}
"""Functions of one number, and the domain of each."""


@pytest.fixture(scope="module")
def compiled_loops():
    """Return compiled loops over arrays, one for each function of one number, by name."""
    from valuescape.sim.codegen.compiler import compiled, compiled_whole

    def loop(function):
        one = compiled_whole(function)

        def run(x, out):
            for i in range(len(x)):
                out[i] = one(x[i])

        return compiled(run)

    return {name: loop(getattr(elementwise, name)) for name in UNARY}


def assert_same_bits(ours, theirs):
    """Assert that arrays are equal bit by bit, but for the bits of NaN."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.dtype == theirs.dtype
    both = np.isnan(ours) & np.isnan(theirs)
    different = (ours.view(f"u{ours.itemsize}") != theirs.view(f"u{ours.itemsize}")) & ~both
    assert not different.any(), (ours[different][:5], theirs[different][:5])


def both_ways(compiled_loops, name, x):
    out = np.empty_like(x)
    compiled_loops[name](x, out)
    with np.errstate(all="ignore"):
        return out, getattr(elementwise, name)(x)


@pytest.mark.regression
@pytest.mark.parametrize("name", UNARY)
def test_compiled_functions_give_numpys_bits(compiled_loops, name):
    """On a million numbers: all over the range that worlds use, and all bit patterns in steps of a prime."""
    patterns = np.arange(0, 2**32, 7919, dtype=np.uint64).astype(np.uint32).view(np.float32)
    x = np.concatenate([spread(-ANGLE, ANGLE), patterns])
    if name in ("log", "sqrt"):
        x = np.abs(x)
    if name == "log":
        x = x[np.isfinite(x) & (x >= np.finfo(np.float32).tiny)]
    assert_same_bits(*both_ways(compiled_loops, name, x))


@pytest.mark.regression
@pytest.mark.parametrize("name", UNARY)
def test_compiled_functions_give_numpys_bits_anywhere(compiled_loops, name):
    @settings(deadline=None)
    @given(st.lists(UNARY[name], min_size=1, max_size=40))
    def hold(numbers):
        assert_same_bits(*both_ways(compiled_loops, name, np.array(numbers, np.float32)))

    hold()


@pytest.mark.regression
def test_compiled_clip_gives_numpys_bits():
    """For zeros of either sign and NaN too, which libraries treat differently."""
    from valuescape.sim.codegen.compiler import compiled, compiled_whole

    one = compiled_whole(elementwise.clip)

    @compiled
    def run(x, low, high, out):
        for i in range(len(x)):
            out[i] = one(x[i], low[i], high[i])

    special = np.float32([0.0, -0.0, 1, -1, np.inf, -np.inf, np.nan, 1e-45])
    x, low, high = (each.ravel() for each in np.meshgrid(special, special, special))
    out = np.empty_like(x)
    run(x, low, high, out)
    assert_same_bits(out, elementwise.clip(x, low, high))


@pytest.mark.regression
@settings(deadline=None)
@given(
    st.lists(st.tuples(*[st.integers(0, 2**32 - 1)] * 4), min_size=1, max_size=30), st.integers(0, 2**64 - 1)
)
def test_compiled_random_numbers_are_numpys(counters, key):
    from valuescape.sim.stepping.compiled.acting import pair, philox, unit

    halves = np.uint64(key & 0xFFFFFFFF), np.uint64(key >> 32)
    words = np.array(counters, np.uint64).T
    expected = philox_words(*words, *halves)
    for column, counter in enumerate(words.T):
        drawn = philox(*counter, *halves)
        assert [int(word) for word in drawn] == [int(word[column]) for word in expected]
        u, v = unit(drawn[0]), unit(drawn[1])
        assert np.float32(u) == unit_float(expected[0])[column]
        both = normal_pair(*(np.array([each], np.float32) for each in (u, v)))
        assert_same_bits(np.float32(pair(np.float32(u), np.float32(v))), np.concatenate(both))
