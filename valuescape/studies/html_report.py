"""HTML reports: one file each, with its tables and plots inside, that opens offline."""

import base64
import html
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from valuescape.sim.errors import UsageError

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem;
  margin: 2rem auto; padding: 0 1rem; color: #1c1f26; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
table { border-collapse: collapse; margin: 0.8rem 0; display: block; overflow-x: auto; }
th, td { padding: 0.25rem 0.9rem; text-align: right; }
th { border-bottom: 2px solid #888; } td { border-bottom: 1px solid #ddd; }
th:first-child, td:first-child { text-align: left; } figure { margin: 1rem 0; } img { max-width: 100%; }
.machine { color: #667; font-size: 0.9rem; } .verdict { background: #eef4f0; padding: 0.7rem 1rem; }
"""


@dataclass(frozen=True, slots=True)
class Chapter:
    """A heading, text, a table (first row: its heading), and a plot; all but the heading may be left out.

    plot: draws on the axes (`matplotlib.axes.Axes`) that it is given.
    """

    title: str
    text: str = ""
    table: Sequence[Sequence[str]] = ()
    plot: Callable[[Any], None] | None = None
    picture: bytes = b""
    """A PNG, shown above the table."""


@dataclass(frozen=True, slots=True)
class Page:
    """A report: its title, the results in sentences, then chapters."""

    title: str
    verdict: Sequence[str]
    chapters: Sequence[Chapter]


def write_html(path: Path, page: Page, origin: Mapping[str, Any]) -> None:
    """Write a report, and make its folder. Raises UsageError if that is impossible.

    origin: as `valuescape.run.report.about` returns it, with the OpenGL driver as `gl_renderer` if known.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_as_html(page, origin), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror})") from None


def _as_html(page: Page, origin: Mapping[str, Any]) -> str:
    title = html.escape(page.title)
    body = [f"<h1>{title}</h1>", f'<p class="machine">{html.escape(_origin_line(origin))}</p>']
    body += [f'<p class="verdict">{html.escape(sentence)}</p>' for sentence in page.verdict]
    for chapter in page.chapters:
        body += _chapter(chapter)
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="data:,">'  # else browsers ask the server for one that it has not got
        f"<style>{_STYLE}</style>\n<body>\n" + "\n".join(body) + "\n</body></html>\n"
    )


def _origin_line(origin: Mapping[str, Any]) -> str:
    """Return date, machine, driver, versions and command in a line."""
    here, when = origin["machine"], datetime.fromisoformat(origin["date"])
    packages = ", ".join(f"{name} {version}" for name, version in origin["versions"].items())
    parts = [f"{when:%Y-%m-%d %H:%M} UTC", f"{here['cores']} cores of {here['processor']}", here["system"]]
    return " · ".join(filter(None, [*parts, origin.get("gl_renderer"), packages, origin["command"]]))


def _chapter(chapter: Chapter) -> list[str]:
    parts = [f"<h2>{html.escape(chapter.title)}</h2>"]
    if chapter.text:
        parts.append(f"<p>{html.escape(chapter.text)}</p>")
    if chapter.plot:
        parts.append(
            f'<figure><img alt="{html.escape(chapter.title)}" src="{_plotted(chapter.plot)}"></figure>'
        )
    if chapter.picture:
        source = "data:image/png;base64," + base64.b64encode(chapter.picture).decode()
        parts.append(f'<figure><img alt="{html.escape(chapter.title)}" src="{source}"></figure>')
    if chapter.table:
        head, *rows = chapter.table
        parts.append("<table><tr>" + "".join(f"<th>{html.escape(cell)}</th>" for cell in head) + "</tr>")
        parts += ["<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows]
        parts.append("</table>")
    return parts


def _plotted(plot: Callable[[Any], None]) -> str:
    """Return a plot as a data URL (SVG), the same bytes each time."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure  # not pyplot, which keeps figures and looks for a screen

    figure = Figure(figsize=(8.5, 3.8), layout="constrained")
    axes = figure.subplots()
    plot(axes)
    _show_whole_markers(axes)
    axes.set_axisbelow(True)
    axes.grid(alpha=0.25)
    out = io.BytesIO()
    with rc_context({"svg.hashsalt": "valuescape"}):  # else it has other identifiers each time
        figure.savefig(out, format="svg", metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(out.getvalue()).decode()


def _show_whole_markers(axes: Any) -> None:
    """Draw markers at an edge of the plot whole, beyond the edge."""
    for line in axes.lines:
        line.set_clip_on(line.get_marker() in ("None", "", None))
    for points in axes.collections:
        points.set_clip_on(False)
