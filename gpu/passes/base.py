"""Base of all compute passes."""

from typing import Any

from valuescape.gpu.constants import AGENT_GROUP
from valuescape.gpu.dispatch import dispatch, groups_for, set_uniforms
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.heights import Bounds
from valuescape.gpu.owner import Owner
from valuescape.gpu.shader_source import compute_program


class ComputePass(Owner):
    """Work that compute shaders do. Every pass derives from it; so does a pass that a plug-in adds.

    A subclass makes programs (`_program`), buffers and textures (`_own`) in `__init__`, runs the programs
    (`_run`) in a method of its own, and inherits `release`.
    gl, meter: lent; dispatches are counted in `meter`.
    """

    def __init__(self, gl: Any, meter: FrameMeter) -> None:
        super().__init__()
        self._gl = gl
        self._meter = meter

    def _program(self, name: str, *, bounds: Bounds | None = None, **uniforms: Any) -> Any:
        """Return the program of `shaders/{name}.comp`, with uniforms that never change.

        bounds: of the map, for the uniforms `map_low` and `map_high`. If the shader cannot be compiled,
        everything that this pass made is released, and RuntimeError names the file.
        """
        with self._making():
            program = self._own(compute_program(self._gl, name))
        if bounds is not None:
            uniforms |= dict(zip(("map_low", "map_high"), bounds, strict=True))
        set_uniforms(program, **uniforms)
        return program

    def _run(self, program: Any, items: int, rows: int = 1, *, group: int = AGENT_GROUP) -> None:
        """Run a program over `items` along x and `rows` work groups along y; its writes are visible then.

        group: the work-group size that the shader declares. Raises as `dispatch`.
        """
        dispatch(self._gl, program, (groups_for(items, group), rows), self._meter)
