"""Calling the program as people do: in a process of its own."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from processes import descendants, running, wait_for_end, wait_until

TINY = [
    *("--headless", "--set", "render.width=320", "--set", "render.height=180"),
    *("--set", "heatmap.resolution=32", "--set", "heatmap.density_resolution=32", "--set", "agents.count=70"),
]

SMALL = [
    *("heatmap.resolution=8", "heatmap.density_resolution=8", "render.mesh_resolution=8", "trails.length=4"),
    *("render.width=160", "render.height=120", "features.simd=false", "workers.start_method=forkserver"),
]
"""Settings of runs within the test's own process: little to draw, nothing to compile, and workers that start
quickly (see `crowds.SMALL`)."""


def valuescape(*arguments, timeout_s=60, **environment):
    """Run the program to its end; returns its exit status, output and errors."""
    command = [sys.executable, "-m", "valuescape", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=timeout_s, env=os.environ | environment
    )


class Running:
    """The program while it runs, with everything that it starts, in a process group of its own."""

    def __init__(self, *arguments):
        command = [sys.executable, "-m", "valuescape", *map(str, arguments)]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            os.killpg(self.pid, signal.SIGKILL)
        self.process.communicate()

    def wait_for_imports(self):
        """Return once it is past the start of Python, which is not the program's to handle signals in."""
        maps = Path(f"/proc/{self.pid}/maps")
        wait_until(lambda: "_multiarray_umath" in maps.read_text(), 20, "NumPy is imported")

    def wait_for(self, path: Path):
        """Return once `path` has something in it."""
        wait_until(lambda: path.exists() and path.stat().st_size > 0, 30, f"{path} is written")

    def workers(self):
        """The processes that step agents."""
        return sorted(pid for pid in descendants(self.pid) if b"spawn_main" in _command(pid))

    def end_by(self, number, *, group, within_s):
        """Send a signal, to all or to the main process alone; returns its status, output and errors.

        Fails if anything of it runs after `within_s`.
        """
        everything = {self.pid, *descendants(self.pid)}
        if group:
            os.killpg(self.pid, number)
        else:
            os.kill(self.pid, number)
        began = time.monotonic()
        out, errors = self.process.communicate(timeout=60)
        assert time.monotonic() - began < within_s
        wait_for_end(everything, within_s)
        return self.process.returncode, out, errors


def _command(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() if running(pid) else b""
    except OSError:
        return b""
