"""Shader files in `gpu/shaders`: their includes, programs made of them, and the places of errors in them."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from valuescape.gpu.constants import constants_glsl
from valuescape.gpu.structs import structs_glsl

SHADERS = Path(__file__).parent / "shaders"

_INCLUDE = re.compile(r'\s*#include\s+"([^"]+)"')
_PLACE = re.compile(
    r"(?:(?:ERROR|WARNING):\s*)?\d+(?::(?P<line>\d+)(?:\((?P<column>\d+)\))?|\((?P<other>\d+)\))\s*:\s*(?P<said>.*)"
)
"""The beginning of a driver's line: `0:57(12): …` (Mesa), `0(57) : …` (NVIDIA), `ERROR: 0:57: …` (others)."""

_MOST_LINES = 5

_Line = tuple[str, tuple[str, int]]
"""A line and its place: file and number."""

_files: dict[Path, bytes] = {}
"""The files that programs are made of, as they were read; `read_again` makes them stale."""

_drawn: set[tuple[str, str]] = set()
"""The pairs of vertex and fragment shaders that programs were made of."""


class ShaderError(RuntimeError):
    """A shader that does not compile: the driver's messages, each with its place in our files."""


@dataclass(frozen=True, slots=True)
class ShaderText:
    """A shader with its includes in it. places: file and line of each line of `text`, counted from 1."""

    text: str
    places: tuple[tuple[str, int], ...]

    def __add__(self, later: "ShaderText") -> "ShaderText":
        return ShaderText(self.text + later.text, self.places + later.places)


def files_read() -> Mapping[Path, bytes]:
    """Return the shader files that programs of this process are made of, with their content; a view."""
    return MappingProxyType(_files)


@contextmanager
def read_again(gl: Any) -> Iterator[None]:
    """Inside and from then on, programs are made of the files as they are now; if it raises, of those before.

    Every program that comes out otherwise is compiled first, also those that only other maps need. Raises
    ShaderError, as programs do.
    """
    before, texts = dict(_files), _texts()
    _files.clear()
    try:
        _read_all()
        for names, text in _texts().items():
            if texts.get(names) != text:
                (compute_program if len(names) == 1 else draw_program)(gl, *names).release()
        yield
    except BaseException:
        _files.clear()
        _files.update(before)
        raise


def _texts() -> dict[tuple[str, ...], list[str]]:
    """Return the texts of all programs that there are or may be, by the names that make them."""
    found: dict[tuple[str, ...], list[str]] = {}
    for path in _files:
        if path.suffix == ".comp":
            found[(str(path.with_suffix("")),)] = [expanded(path).text]
    for pair in _drawn:
        found[pair] = [each.text for each in _draw_texts(*pair)]
    return found


def _read_all() -> None:
    """Read the program's own shaders: one that is edited later breaks no map that is shown then."""
    for path in sorted(SHADERS.rglob("*.*")):
        _content(path)


def _content(path: Path) -> bytes:
    if path not in _files:
        try:
            _files[path] = path.read_bytes()
        except OSError as error:
            raise ShaderError(f"{_shown(path)}: cannot be read ({error.strerror})") from error
    return _files[path]


@cache
def generated_includes() -> Mapping[str, str]:
    """Return the text of the includes that derive from Python's definitions, by name.

    Made once, as nothing changes those definitions.
    """
    return {"constants.glsl": constants_glsl(), "structs.glsl": structs_glsl()}


def install_includes(gl: Any) -> None:
    """Give the context every include: those generated, and those in `shaders/include`."""
    _read_all()
    gl.includes.update(generated_includes())
    for path in sorted((SHADERS / "include").glob("*.glsl")):
        gl.includes[path.name] = _content(path).decode("utf-8")


def compute_program(gl: Any, name: str) -> Any:
    """Return the compute program of `shaders/{name}.comp`; of another file if `name` is a full path.

    Raises ShaderError naming file and line.
    """
    text = expanded(SHADERS / f"{name}.comp")
    return _build({"compute_shader": text}, lambda: gl.compute_shader(text.text))


def draw_program(gl: Any, vertex: str, fragment: str = "") -> Any:
    """Return the program of `shaders/{vertex}.vert` and `{fragment}.frag`; without `fragment`, of one name.

    Raises ShaderError naming file and line.
    """
    points, pixels = _draw_texts(vertex, fragment or vertex)
    _drawn.add((vertex, fragment or vertex))
    return _build(
        {"vertex_shader": points, "fragment_shader": pixels},
        lambda: gl.program(vertex_shader=points.text, fragment_shader=pixels.text),
    )


def _draw_texts(vertex: str, fragment: str) -> tuple[ShaderText, ShaderText]:
    return expanded(SHADERS / f"{vertex}.vert"), expanded(SHADERS / f"{fragment}.frag")


def expanded(path: Path) -> ShaderText:
    """Return the shader of a file with its includes.

    An include is one of those that are generated, else a file beside the one that includes it, else one in
    `shaders/include`. Raises ShaderError for an include that there is not, or one that includes itself.
    """
    return _joined(_lines(path, ()))


def expanded_text(text: str, name: str, first: int = 1) -> ShaderText:
    """Return a text of any origin with its includes, as `expanded` does a file.

    name, first: the file that it stands in, and its first line there.
    """
    return _joined(_resolved(text, name, first, ()))


def _joined(lines: list[_Line]) -> ShaderText:
    return ShaderText("".join(f"{line}\n" for line, _ in lines), tuple(place for _, place in lines))


def _lines(path: Path, within: tuple[Path, ...]) -> list[_Line]:
    """Return the lines of a file with their places. within: the files that include it."""
    return _resolved(_content(path).decode("utf-8", "replace"), _shown(path), 1, (*within, path))


def _resolved(text: str, name: str, first: int, within: tuple[Path, ...]) -> list[_Line]:
    found: list[_Line] = []
    for number, line in enumerate(text.splitlines(), first):
        include = _INCLUDE.match(line)
        if include:
            found += _included(include[1], within, f"{name}:{number}")
        else:
            found.append((line, (name, number)))
    return found


def _included(name: str, within: tuple[Path, ...], where: str) -> list[_Line]:
    generated = generated_includes()
    if name in generated:
        lines = enumerate(generated[name].splitlines(), 1)
        return [(line, (f"{name} (generated)", number)) for number, line in lines]
    beside = [within[-1].parent / name] if within else []
    for file in (*beside, SHADERS / "include" / name):
        if file in within:
            raise ShaderError(f"{where}: {name} includes itself")
        if file.is_file():
            return _lines(file, within)
    raise ShaderError(f"{where}: there is no include {name}")


def _shown(path: Path) -> str:
    """Return a file's name as messages have it: from the folder of the program on, or whole."""
    return f"gpu/shaders/{path.relative_to(SHADERS)}" if path.is_relative_to(SHADERS) else str(path)


def _build(texts: Mapping[str, ShaderText], build: Callable[[], Any]) -> Any:
    try:
        return build()
    except Exception as error:
        raise ShaderError(located(str(error), texts)) from error


def located(message: str, texts: Mapping[str, ShaderText]) -> str:
    """Return a driver's message with our files and lines: `gpu/shaders/range/reduce.comp:57:12: error: …`.

    message: as moderngl raises it, with the kind of shader as a heading. texts: what was compiled, by kind.
    Lines that name no place are kept only where no line names one, as those of linkers.
    """
    text = next(iter(texts.values()))
    found = []
    for line in message.splitlines():
        text = texts.get(line.strip(), text)
        place = _PLACE.match(line.strip())
        if place:
            found.append(_located(place, text))
    if found:
        return "\n".join(found[:_MOST_LINES])
    files = ", ".join(each.places[0][0] for each in texts.values() if each.places)
    said = [each for each in message.splitlines() if each.strip("= ") and each.strip() not in texts]
    return f"{files}: {' '.join(said)}"


def _located(place: re.Match[str], text: ShaderText) -> str:
    number = int(place["line"] or place["other"])
    if not 0 < number <= len(text.places):
        return place[0]
    file, line = text.places[number - 1]
    column = f":{place['column']}" if place["column"] else ""
    return f"{file}:{line}{column}: {place['said']}"
