"""The frame block that shaders read, filled by a test."""

import numpy as np

from valuescape.gpu.bindings import Block
from valuescape.gpu.structs import FRAME


def frame_block(gl, **values):
    """Return a bound uniform buffer of FRAME: the scene fills 200 x 100 pixels, but for `values`.

    view_projection: [4, 4], rows first.
    """
    frame = np.zeros(1, FRAME)
    frame["view_projection"] = np.eye(4)
    frame["viewport_px"] = 200, 100
    frame["lift"] = 1
    for name, value in values.items():
        frame[name] = np.transpose(value) if name == "view_projection" else value
    buffer = gl.buffer(frame.tobytes())
    buffer.bind_to_uniform_block(Block.FRAME)
    return buffer
