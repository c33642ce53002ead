"""Sampling of fields and colour maps."""

from typing import Any


def clamped(texture: Any) -> Any:
    """Make lookups beyond the outermost texels return those texels; returns the texture.

    OpenGL's default repeats the texture: half a texel at a border would get the opposite border's colour.
    """
    texture.repeat_x = texture.repeat_y = False
    return texture
