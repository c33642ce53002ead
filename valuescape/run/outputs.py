"""What goes into a run and comes out of it: files, progress, the report."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where a run leaves what it makes: `run.json` always, a picture when headless or asked for.

    export: arrays of the last tick (`valuescape.run.export`). figure: these drawn for a paper.
    """

    folder: Path
    video: Path | None = None
    screenshot: Path | None = None
    profile: Path | None = None
    export: Path | None = None
    figure: Path | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is, for a progress bar."""

    done: float  # of the run's length, 0 to 1; 0 if it has no end
    frames: int
    fps: float
    ticks: int


@dataclass(slots=True)
class RunResult:
    """What a run came to: the report (as in `run.json`) and the files it wrote."""

    report: dict[str, Any]
    files: list[Path] = field(default_factory=list)
    interrupted: bool = False
