"""Values that say where a run writes its files, how far it is, and how it ended."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Outputs:
    """Paths of the files that a run writes: always `run.json` in `folder`, a picture if headless or wanted.

    export: arrays of the last tick (`valuescape.run.export`). figure: a figure of these arrays. session: a
    recording of the run with its live changes, which `replay` makes again.
    """

    folder: Path
    video: Path | None = None
    screenshot: Path | None = None
    profile: Path | None = None
    export: Path | None = None
    figure: Path | None = None
    session: Path | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a run."""

    done: float  # of the run's length, 0 to 1; 0 if it has no end
    frames: int
    fps: float
    ticks: int


@dataclass(slots=True)
class RunResult:
    """The report of a run (as in `run.json`) and the files that it wrote."""

    report: dict[str, Any]
    files: list[Path] = field(default_factory=list)
    interrupted: bool = False
