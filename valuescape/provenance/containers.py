"""The place of a provenance in each kind of file: PNG, PDF, SVG and video.

The text is JSON in ASCII: text `valuescape` in a PNG, Keywords in a PDF, dc:description in an SVG, the
comment of a video. Other programs show it as the file's metadata.
"""

import html
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from valuescape.parsing import parse_json
from valuescape.provenance.contents import FORMAT, Provenance
from valuescape.recordings.contents import Format
from valuescape.sim.errors import UsageError
from valuescape.sim.paths import open_plain, read_plain, reading

KEYWORD = "valuescape"

MAX_TEXT = 512 * 2**10
"""Most bytes of a provenance; that of a picture has about 5 kB."""

_MAX_FIGURE = 256 * 2**20
_HEAD = 512

_UNDATED: dict[str, dict[str, Any]] = {
    ".pdf": {"CreationDate": None},
    ".svg": {"Date": None},
    ".png": {"Software": None},
}
"""Matplotlib's metadata without the date: the same data make the same file."""

_FIELDS = {".pdf": "Keywords", ".svg": "Description", ".png": KEYWORD}


def as_text(made: Provenance) -> str:
    """Return a provenance as JSON in ASCII."""
    return json.dumps(made.model_dump(mode="json"), separators=(",", ":"), allow_nan=False)


def png_metadata(made: Provenance) -> dict[str, str]:
    """Return the metadata of a PNG, as `render.displays.recorder.save_png` takes them."""
    return {KEYWORD: as_text(made)}


def figure_metadata(suffix: str, made: Provenance | None) -> dict[str, Any]:
    """Return the metadata of a figure of Matplotlib's, without a date. suffix: .pdf, .svg or .png."""
    suffix = suffix.lower()
    return _UNDATED[suffix] | ({_FIELDS[suffix]: as_text(made)} if made else {})


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file. suffix: that a copy gets. begins: whether a file's first bytes are of this kind."""

    suffix: str
    begins: Callable[[bytes], bool]
    text: Callable[[Path], str | None]
    """Returns the text of the provenance in a file, None if there is none; raises anything for damage."""


def kind_of(path: Path) -> Kind | None:
    """Return the kind of a file by its content; None if it is no picture. Raises UsageError."""
    with open_plain(path) as file, reading(path, "a picture"):
        head = file.read(_HEAD)
    return next((each for each in _KINDS if each.begins(head)), None)


def read_provenance(path: Path, kind: Kind) -> Provenance:
    """Return how the file at `path` was made. Raises UsageError if it does not say, or is damaged."""
    with reading(path, "a picture"):
        text = kind.text(path)
    if text is None:
        raise UsageError(
            f"{path}: does not say how it was made: it is not from Valuescape, or from an older version, or "
            "another program saved it without its metadata"
        )
    if len(text) > MAX_TEXT:
        raise UsageError(
            f"{path}: its metadata are larger than {MAX_TEXT // 1024} KiB, the most that is read"
        )

    def damaged(what: str) -> UsageError:
        return UsageError(f"{path}: its metadata are damaged ({what})")

    content = text.encode("utf-8", "replace")
    if parse_json(content, Format, damaged).format != FORMAT:
        raise UsageError(f"{path}: is of a kind that this version of Valuescape does not make again")
    return parse_json(content, Provenance, damaged)


def _png_text(path: Path) -> str | None:
    from PIL import Image

    with Image.open(path, formats=["PNG"]) as image:
        text = image.info.get(KEYWORD)
    return None if text is None else str(text)


_PDF_KEYWORDS = re.compile(rb"/Keywords \(((?:[^\\()]|\\.)*)\)", re.DOTALL)
_PDF_ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t"}


def _pdf_text(path: Path) -> str | None:
    found = _PDF_KEYWORDS.search(read_plain(path, _MAX_FIGURE))
    if found is None or not found[1].lstrip().startswith(b"{"):
        return None
    plain = re.sub(rb"\\(.)", lambda match: _PDF_ESCAPES.get(match[1], match[1]), found[1], flags=re.DOTALL)
    return plain.decode("latin-1")


_SVG_DESCRIPTION = re.compile(rb"<dc:description>([^<]*)</dc:description>")


def _svg_text(path: Path) -> str | None:
    found = _SVG_DESCRIPTION.search(read_plain(path, _MAX_FIGURE))
    if found is None or not found[1].lstrip().startswith(b"{"):
        return None
    return html.unescape(found[1].decode("utf-8"))


def open_video(path: Path) -> Any:
    """Open a video of a known container, a context manager; other formats may refer to files elsewhere.

    Raises UsageError for another file, and errors of FFmpeg's for one that is damaged.
    """
    import av

    kind = kind_of(path)
    if kind is None or kind.suffix not in _CONTAINERS:
        raise UsageError(f"{path}: is no MP4 and no Matroska video")
    return av.open(str(path), format=_CONTAINERS[kind.suffix])


def _video_text(path: Path) -> str | None:
    with open_video(path) as video:
        found = {name.lower(): text for name, text in video.metadata.items()}
    text = found.get("comment")
    return text if text and text.lstrip().startswith("{") else None


_CONTAINERS = {".mp4": "mp4", ".mkv": "matroska"}
"""FFmpeg's names."""


_KINDS = (
    Kind(".png", lambda head: head.startswith(b"\x89PNG\r\n\x1a\n"), _png_text),
    Kind(".pdf", lambda head: head.startswith(b"%PDF-"), _pdf_text),
    Kind(".svg", lambda head: head.lstrip().startswith((b"<?xml", b"<svg")), _svg_text),
    Kind(".mp4", lambda head: head[4:8] == b"ftyp", _video_text),
    Kind(".mkv", lambda head: head.startswith(b"\x1aE\xdf\xa3"), _video_text),
)
