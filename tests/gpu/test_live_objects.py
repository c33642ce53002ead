"""OpenGL objects are counted by the driver."""

import pytest

from valuescape.gpu.context import create_headless_context
from valuescape.gpu.live_objects import live_objects

pytestmark = pytest.mark.gpu

SHADER = "#version 430\nlayout(local_size_x = 1) in; void main() {}"


def more_than(before):
    return {kind: now - before[kind] for kind, now in live_objects().items() if now != before[kind]}


def test_what_is_made_is_counted_and_what_is_freed_is_not(gl):
    before = live_objects()
    buffers = [gl.buffer(reserve=16) for _ in range(5)]
    textures = [gl.texture((4, 4), 4) for _ in range(4)]
    made = [*buffers, *textures, gl.framebuffer([textures[3]]), gl.compute_shader(SHADER)]
    assert more_than(before) == {"Buffer": 5, "Texture": 4, "Framebuffer": 1, "Program": 1}
    for each in textures[:3]:  # a gap before one that is still there
        each.release()
    assert more_than(before)["Texture"] == 1
    for each in made:
        each.release()
    assert more_than(before) == {}


def test_what_python_has_forgotten_is_still_there():
    gl = create_headless_context()  # of its own: nothing can free it any more
    with gl:
        before = live_objects()
        gl.buffer(reserve=16)
        assert more_than(before) == {"Buffer": 1}
    gl.release()
