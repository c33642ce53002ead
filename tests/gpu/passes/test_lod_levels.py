"""Which samples of a trail a level of detail shows: a twin in Python, and the shader against it."""

import numpy as np
import pytest
from frame_block import frame_block
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


def trail_samples(oldest, newest, level):
    """As in `trail.glsl`: how many samples a level has."""
    return 1 if newest == oldest else 2 + ((newest - 1) >> level) - (oldest >> level)


def trail_tick(index, oldest, newest, level):
    """As in `trail.glsl`: the tick of sample `index`, counted from the newest."""
    if index <= 0:
        return newest
    return max((((newest - 1) >> level) << level) - ((index - 1) << level), oldest)


def shown(oldest, newest, level):
    """Return the ticks that a level shows, newest first."""
    count = trail_samples(oldest, newest, level)
    return [trail_tick(index, oldest, newest, level) for index in range(count)]


ends = st.tuples(st.integers(0, 5000), st.integers(0, 300)).map(lambda each: (each[0], each[0] + each[1]))
levels = st.integers(0, 7)


@given(ends, levels)
def test_the_ends_are_shown_and_the_rest_is_aligned(ends, level):
    oldest, newest = ends
    aligned = {tick for tick in range(oldest, newest) if tick % (1 << level) == 0}
    ticks = shown(oldest, newest, level)
    assert ticks == sorted(aligned | {oldest, newest}, reverse=True)


@given(ends)
def test_level_0_shows_every_tick(ends):
    oldest, newest = ends
    assert shown(oldest, newest, 0) == list(range(newest, oldest - 1, -1))


@given(ends, levels)
def test_a_level_shows_a_part_of_the_finer_one(ends, level):
    assert set(shown(*ends, level + 1)) <= set(shown(*ends, level))


@given(st.integers(0, 500), st.integers(1, 64), levels)
def test_samples_stay_as_the_trail_moves_on(newest, length, level):
    """A trail whose inner samples changed every tick would shimmer."""
    inner = set(shown(max(0, newest - length), newest, level)[1:-1])
    oldest = max(0, newest + 1 - length)
    later = set(shown(oldest, newest + 1, level))
    assert {tick for tick in inner if tick >= oldest} <= later


@given(ends, levels)
def test_indices_beyond_the_ends_give_the_end(ends, level):
    oldest, newest = ends
    count = trail_samples(oldest, newest, level)
    assert trail_tick(-1, oldest, newest, level) == newest
    assert {trail_tick(count + more, oldest, newest, level) for more in range(3)} == {oldest}


PROBE = """
#version 430
#include "constants.glsl"
#include "structs.glsl"
#include "trail.glsl"
layout(local_size_x = 1) in;
layout(std430, binding = 20) writeonly buffer Answers { int answers[]; };
uniform uint level;
uniform int most;
void main() {
    answers[0] = trail_samples(level);
    for (int i = -1; i < most; ++i) answers[i + 2] = trail_tick(i, level);
}
"""


@pytest.fixture
def probe(gl):
    program, answers = gl.compute_shader(PROBE), gl.buffer(reserve=4 * 512)
    yield program, answers
    program.release()
    answers.release()


@pytest.mark.gpu
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ends, levels)
def test_the_shader_agrees(gl, probe, ends, level):
    oldest, newest = ends
    program, answers = probe
    most = trail_samples(oldest, newest, level) + 2
    block = frame_block(gl, oldest=oldest, newest=newest, trail_rows=301, trail_slots=1)
    program["level"], program["most"] = level, most
    answers.bind_to_storage_buffer(20)
    program.run(1)
    found = np.frombuffer(answers.read(), np.int32)
    block.release()
    assert found[0] == trail_samples(oldest, newest, level)
    expected = [trail_tick(index, oldest, newest, level) for index in range(-1, most)]
    assert found[1 : most + 2].tolist() == expected
