"""Shader files in `gpu/shaders`: their includes, and programs made of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from valuescape.gpu.constants import constants_glsl
from valuescape.gpu.structs import structs_glsl

SHADERS = Path(__file__).parent / "shaders"


def generated_includes() -> dict[str, str]:
    """Return the text of the includes that derive from Python's definitions, by name."""
    return {"constants.glsl": constants_glsl(), "structs.glsl": structs_glsl()}


def install_includes(gl: Any) -> None:
    """Give the context every include: those generated, and those in `shaders/include`."""
    gl.includes.update(generated_includes())
    for path in sorted((SHADERS / "include").glob("*.glsl")):
        gl.includes[path.name] = path.read_text(encoding="utf-8")


def compute_program(gl: Any, name: str) -> Any:
    """Return the compute program of `shaders/{name}.comp`. Raises RuntimeError naming the file."""
    return _build(name, lambda: gl.compute_shader(_read(f"{name}.comp")))


def draw_program(gl: Any, vertex: str, fragment: str = "") -> Any:
    """Return the program of `shaders/{vertex}.vert` and `{fragment}.frag`; without `fragment`, of one name.

    Raises RuntimeError naming the file.
    """
    fragment = fragment or vertex
    return _build(
        fragment,
        lambda: gl.program(vertex_shader=_read(f"{vertex}.vert"), fragment_shader=_read(f"{fragment}.frag")),
    )


def _read(name: str) -> str:
    return (SHADERS / name).read_text(encoding="utf-8")


def _build(name: str, build: Callable[[], Any]) -> Any:
    try:
        return build()
    except Exception as error:
        raise RuntimeError(f"gpu/shaders/{name}: {error}") from error
