"""The files and exit statuses of the commands that measure."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from valuescape.cli.console import require_files, say_written

if TYPE_CHECKING:
    from valuescape.sim.config.files import Config
    from valuescape.sim.interrupts import Interrupts
    from valuescape.studies.html_report import Page


@dataclass(frozen=True, slots=True)
class Files:
    """The files that a measuring command writes: a page, and figures as JSON if they were asked for."""

    report: Path
    json: Path | None

    def require(self) -> None:
        """Raise UsageError if one of them cannot be written."""
        require_files(report=self.report, json=self.json)

    def beside(self, ending: str) -> "Files":
        """Return files of the same names with `ending` after the stem."""
        figures = self.json and self.json.with_stem(f"{self.json.stem}{ending}")
        return Files(self.report.with_stem(f"{self.report.stem}{ending}"), figures)

    def write(self, page: "Page", figures: Mapping[str, Any], config: "Config | Mapping[str, Any]") -> None:
        """Write the results with their origin, and say the files' names. config: as `origin` has it."""
        from valuescape.studies.html_report import write_html
        from valuescape.studies.origin import origin

        made = origin(config)
        write_html(self.report, page, made)
        say_written(self.report)
        if self.json:
            content = json.dumps({**figures, **made}, indent=2, allow_nan=False)
            self.json.write_text(f"{content}\n", encoding="utf-8")
            say_written(self.json)


@contextmanager
def cluster_of(config: "Config") -> "Iterator[list[str]]":
    """Stay connected to the cluster of a configuration while inside; yield the names of its nodes with CPUs.

    Runs inside share the connection, and the cluster that `local` starts. None without a cluster. Raises
    UsageError if it cannot be used.
    """
    if not config.workers.cluster:
        yield []
        return
    from valuescape.sim.cluster.connecting import connected
    from valuescape.sim.cluster.naming import name_of

    with connected(config.workers.cluster) as ray:
        yield [
            name_of(each) for each in ray.nodes() if each["Alive"] and each["Resources"].get("CPU", 0) >= 1
        ]


def exit_status(interrupts: "Interrupts", *, failed: bool = False) -> int:
    """Return the exit status of measurements that have results."""
    return 130 if interrupts.asked else int(failed)
