"""Binding points; shaders get them as `#define`s (`SLOT_…`, `BLOCK_…`, `TEXTURE_…`, `IMAGE_…`)."""

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
    AGENT_NUMBER = 18
    CELL_COLORS = 19
    TRAIL_SUMS = 20


class Block(IntEnum):
    """Uniform buffers."""

    FRAME = 0


class Texture(IntEnum):
    """Sampled textures."""

    HEIGHT = 0  # the map that lifts the surface
    BASE = 1  # the map that is drawn
    OVER = 2  # the map that is drawn over it
    COLORMAPS = 3
    GLYPHS = 4
    SHADES = 5
    CROWD = 6  # colours of the crowd's cells
    PICTURE = 7
    GLOW = 8
    CERTAINTY = 9
    SUPPORT = 10  # visits: few of them let a map fade
    KEPT = 11  # the picture of the map, without trails
    DEPTH = 12  # of the map, pixel by pixel


class Image(IntEnum):
    """Images that compute passes write."""

    FIELD = 0
    STAMPS = 1
