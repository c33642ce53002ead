"""A picture of a crowd, made without OpenGL: dots on the world's map."""

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.worlds import World

SIZE = 480, 480
"""Height and width in pixels."""

_MARGIN, _RADIUS = 12, 2
_PAPER, _MAP, _AGENT = (np.array(colour) for colour in ([214, 216, 220], [250, 250, 252], [24, 92, 168]))


def crowd_image(world: World, state: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return the map of `world` with a dot for each agent, [height, width, 3] uint8.

    state: [state_dim, n] float32. The map's first axis points right, its second one up. Dots are darker
    where agents overlap. Agents outside the map are drawn at its edge; those at NaN are left out.
    """
    height, width = SIZE
    crowd = np.zeros((height, width), np.int64)
    x, y = (_pixels(world, state, side) for side in range(2))
    known = ~(np.isnan(x) | np.isnan(y))
    rows, columns = height - 1 - y[known].astype(np.intp), x[known].astype(np.intp)
    places, counts = np.unique(rows * width + columns, return_counts=True)
    rows, columns = np.divmod(places, width)
    for dy in range(-_RADIUS, _RADIUS + 1):
        for dx in range(-_RADIUS, _RADIUS + 1):
            if dx * dx + dy * dy <= _RADIUS * _RADIUS + 1:
                np.add.at(crowd, (rows + dy, columns + dx), counts)
    paper = np.empty((height, width, 3))
    paper[:] = _PAPER
    paper[_MARGIN : height - _MARGIN, _MARGIN : width - _MARGIN] = _MAP
    share = 0.55 + 0.45 * (1 - np.exp(-0.25 * (crowd - 1)))
    cover = np.where(crowd > 0, share, 0)[:, :, None]
    image: NDArray[np.uint8] = np.rint(paper * (1 - cover) + _AGENT * cover).astype(np.uint8)
    return image


def _pixels(world: World, state: NDArray[np.float32], side: int) -> NDArray[np.float64]:
    """Return the agents' places, [n], on the map's axis `side`, in pixels from its low end."""
    axis = world.map_axes[side]
    variable = world.state[axis]
    share = (state[axis].astype(np.float64) - variable.low) / (variable.high - variable.low)
    share = share - np.floor(share) if variable.periodic else np.clip(share, 0, 1)
    pixels: NDArray[np.float64] = _MARGIN + np.floor(share * (SIZE[1 - side] - 2 * _MARGIN - 1))
    return pixels
