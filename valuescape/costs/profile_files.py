"""Profile files: the time that sections took, as JSON, CSV, or a trace for Perfetto and Chrome."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from valuescape.paths import require_writable
from valuescape.sim.errors import UsageError
from valuescape.sim.measuring.profiler import WORKER_SECTIONS, statistics

FORMATS = (".json", ".csv", ".trace")
"""Suffixes of profile files: statistics as JSON or CSV, or all spans in Chrome's trace format."""


@dataclass(frozen=True, slots=True)
class Track:
    """The spans of one process, an array [n] of dtype SPAN, and the names of their sections."""

    title: str
    pid: int
    spans: NDArray[Any]
    names: Sequence[str]


def require_profile(path: Path) -> None:
    """Raise UsageError if no profile can be written under this name."""
    if path.suffix not in FORMATS:
        raise UsageError(f"--profile {path}: expected a name that ends in {', '.join(FORMATS)}")
    require_writable("--profile", path.parent)


def worker_tracks(
    pids: Sequence[int], spans: Sequence[NDArray[Any]], names: Sequence[str] = WORKER_SECTIONS
) -> list[Track]:
    """Return a track for each worker. pids, spans: one each per worker, in order. names: of sections."""
    pairs = enumerate(zip(pids, spans, strict=True))
    return [Track(f"worker {index}", pid, each, names) for index, (pid, each) in pairs]


def write_profile(path: Path, tracks: Sequence[Track], usage: dict[str, Any]) -> None:
    """Write tracks in the format that the path's suffix names.

    usage: CPU time and memory of each process; only JSON has room for it. Raises UsageError if the file
    cannot be written.
    """
    text = {".json": _json, ".csv": _csv, ".trace": _trace}[path.suffix](tracks, usage)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--profile {path}: cannot be written ({error.strerror})") from None


def _rows(tracks: Sequence[Track]) -> Iterator[dict[str, Any]]:
    for track in tracks:
        for each in statistics(track.spans, track.names):
            yield {"process": track.title, "pid": track.pid, **asdict(each)}


def _json(tracks: Sequence[Track], usage: dict[str, Any]) -> str:
    return json.dumps({"unit": "ms", "sections": list(_rows(tracks)), "processes": usage}, indent=2) + "\n"


def _csv(tracks: Sequence[Track], _: dict[str, Any]) -> str:
    rows = list(_rows(tracks))
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]) if rows else ["process"])
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _trace(tracks: Sequence[Track], _: dict[str, Any]) -> str:
    """Return the Trace Event Format (times in us): a track per process, a mark at the end of each frame."""
    events: list[dict[str, Any]] = []
    for track in tracks:
        events.append(
            {"ph": "M", "name": "process_name", "pid": track.pid, "tid": 0, "args": {"name": track.title}}
        )
        for section, _depth, began, took in track.spans.tolist():
            name, common = track.names[section], {"pid": track.pid, "tid": 0}
            events.append({"ph": "X", "name": name, "ts": began / 1e3, "dur": took / 1e3, **common})
            if name.endswith("frame"):
                events.append({"ph": "i", "s": "g", "name": "frame", "ts": (began + took) / 1e3, **common})
    return json.dumps({"traceEvents": events, "displayTimeUnit": "ms"}) + "\n"
