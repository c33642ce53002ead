"""The smallest map layer, as a specification: what a file in this folder has to write.

It is not registered. A real one is: by a line in `registry.py`, or by a plug-in with `MAPS.register`. No
shader, setting or colour bar has to know it. `tests/contracts/test_map_layers.py` holds the stub and every
registered layer to the same contract.
"""

from valuescape.gpu.layers.layer import Inputs, MapLayer, News
from valuescape.gpu.owner import Owner
from valuescape.gpu.textures import clamped


class StubMap(Owner):
    """A map of four values that never change."""

    def __init__(self, inputs: Inputs) -> None:
        super().__init__()
        values = b"\0\0\0\0" * 4
        # Required: float32, one channel; lookups beyond the border give the border's value.
        self.texture = clamped(self._own(inputs.gl.texture((2, 2), 1, dtype="f4", data=values)))
        self._fresh = True

    def refresh(self, _: News) -> bool:
        """Required: return True at first, and then only when the values have changed."""
        fresh, self._fresh = self._fresh, False
        return fresh


STUB = MapLayer(name="stub", title="nothing", make=StubMap)
