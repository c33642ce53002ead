"""How fields and colour maps are sampled."""

from typing import Any


def clamped(texture: Any) -> Any:
    """Make lookups beyond the outermost texels give those, not the opposite side's; returns the texture.

    OpenGL's default repeats the texture: half a texel at the border would take on the other border's colour.
    """
    texture.repeat_x = texture.repeat_y = False
    return texture
