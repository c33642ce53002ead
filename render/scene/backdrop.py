"""The map without trails as it was drawn last, for frames in which it stays the same."""

from typing import Any

from valuescape.gpu.bindings import Texture
from valuescape.gpu.constants import BACKGROUND
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.owner import Owner
from valuescape.render.scene.layers import SurfaceFill, SurfaceLayer
from valuescape.render.scene.target import Attachments

Scissor = tuple[int, int, int, int] | None


class Backdrop(Owner):
    """Draws the map, and keeps its colours and depths while the frames that follow need the same ones.

    What is kept is stale when the key of a frame differs: the caller's, of all that colours, heights, view
    and size depend on. A map is kept when a second frame in a row asks for it, so a camera that moves costs
    nothing. `features.still_background` off draws the map in every frame, with the same pixels.

    Performance: `make bench-still` measures both.
    """

    def __init__(self, gl: Any, surface: SurfaceLayer, meter: FrameMeter) -> None:
        super().__init__()
        self._gl, self._surface, self._meter = gl, surface, meter
        self._attachments = self._own(Attachments(gl))
        self._picture: Any = None
        self._kept: object = None
        self._asked: object = None

    def draw(self, target: Any, key: object, *, flat: bool, crowd: bool, scissor: Scissor) -> None:
        """Draw the map into `target`, which is bound and cleared, inside of the scissor.

        key: None draws it anew. crowd: whether there is a crowd, whose trails are drawn over the map.
        """
        if key is None or key != self._asked:
            self._asked = key
            target.scissor = scissor
            self._surface.draw(SurfaceFill.MAP_AND_CROWD if crowd else SurfaceFill.MAP, flat=flat)
            return
        if key != self._kept:
            self._keep(target.size, flat=flat, scissor=scissor)
            self._kept = key
            target.use()
        if crowd:
            target.scissor = scissor
            self._picture.color_attachments[0].use(Texture.KEPT)
            self._surface.draw(SurfaceFill.KEPT_AND_CROWD, flat=flat)
        else:
            target.scissor = None
            self._gl.copy_framebuffer(target, self._picture)
            target.use()
            target.scissor = scissor

    def _keep(self, size_px: tuple[int, int], *, flat: bool, scissor: Scissor) -> None:
        """Draw the map without trails into a picture of its own."""
        if self._picture is None or self._picture.size != size_px:
            self._attachments.release()
            self._picture = self._attachments.picture(size_px)
        self._picture.use()
        self._picture.scissor = None
        self._picture.clear(*BACKGROUND, 0.0, depth=1.0)
        self._picture.scissor = scissor
        self._surface.draw(SurfaceFill.MAP, flat=flat)
