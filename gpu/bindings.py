"""Every binding point, once; shaders get them as `#define`s (`SLOT_…`, `IMAGE_…`, `TEXTURE_…`)."""

from enum import IntEnum


class Slot(IntEnum):
    """Shader storage buffers."""

    TRAIL_POSITION = 0
    TRAIL_STRAND = 1
    TRAIL_INSTANCE = 2
    DRAW_COMMAND = 3
    RANGE = 4
    DENSITY = 5
    CHOICE = 6
    GROUP_COUNT = 7
    LAYER_INPUT = 8
    LAYER_OUTPUT = 9
    LAYER_WEIGHTS = 10
    TRAIL_POINT = 11
    VISITS = 12
    INDIVIDUAL = 13
    TRAIL_SIGNAL = 14
    TRAIL_END = 15
    HIGHLIGHT = 16
    TRAIL_RAW = 17


class Block(IntEnum):
    """Uniform buffers."""

    FRAME = 0


class Texture(IntEnum):
    """Sampled textures."""

    VALUE = 0
    DENSITY = 1
    COLORMAPS = 2
    GLYPHS = 3
    SHADES = 4
    STAMPS = 5
    PICTURE = 6
    GLOW = 7


class Image(IntEnum):
    """Images that compute passes write."""

    FIELD = 0
    STAMPS = 1
