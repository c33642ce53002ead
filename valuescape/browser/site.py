"""The files that are served, and the headers that they are served with."""

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from valuescape.render.displays.streaming.page_modules import shared_modules

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".json": "application/json",
    ".pdf": "application/pdf",
    ".mp4": "video/mp4",
    ".npz": "application/octet-stream",
}
"""Kinds of files that are served, by their endings."""

_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'{styles}; img-src 'self' blob: data:; "
    "media-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
"""What a page may load: files of this server, and nothing that is written in it but styles that are named."""

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), usb=(), serial=()",
}


@dataclass(frozen=True, slots=True)
class File:
    """A file that is served: its bytes, its media type, and hashes of the styles that are written in it."""

    content: bytes
    media_type: str
    styles: str = ""

    def headers(self) -> dict[str, str]:
        """Return the headers that it is served with."""
        return {"Content-Type": self.media_type, **headers(self.styles)}


def headers(styles: str = "") -> dict[str, str]:
    """Return the headers of every answer. styles: sources of styles that are allowed beside the own ones."""
    return {"Content-Security-Policy": _POLICY.format(styles=styles), **_HEADERS}


Site = Mapping[str, File]
"""The files by their paths, as "/page.js"; no other path is answered."""


def page_site() -> Site:
    """Return the page of a run, from the package: `index.html` is at "/"."""
    root = files("valuescape.browser").joinpath("static")
    found = {f"/{each.name}": _file(each.name, each.read_bytes()) for each in root.iterdir()}
    found |= {f"/{name}": _file(name, text.encode()) for name, text in shared_modules().items()}
    return {"/": found.pop("/index.html"), **found}


def report_site(report: Path, others: Iterable[Path]) -> Site:
    """Return a report, at "/", and the files beside it, by their names. Reads them now."""
    site = {"/": _file(report.name, report.read_bytes())}
    for each in others:
        if each != report and each.suffix in _TYPES:
            site[f"/{each.name}"] = _file(each.name, each.read_bytes())
    return site


def _file(name: str, content: bytes) -> File:
    suffix = Path(name).suffix
    styles = _hashes(content.decode()) if suffix == ".html" else ""
    return File(content, _TYPES[suffix], styles)


def _hashes(page: str) -> str:
    """Return the hashes of the styles written in a page, as a policy names them."""
    digests = [hashlib.sha256(style.encode()).digest() for style in _STYLE.findall(page)]
    return "".join(f" 'sha256-{base64.b64encode(each).decode()}'" for each in digests)
