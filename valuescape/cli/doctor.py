"""The command `doctor`: OpenGL, torch, cores and memory of this machine, and remedies for what is missing."""

import importlib.util
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from valuescape.cli.terminal import Terminal, spelled
from valuescape.gpu.context import create_headless_context, driver_info, egl_device_count, library_loads
from valuescape.render.displays.display import display_available
from valuescape.sim.errors import UsageError
from valuescape.sim.resources import available_memory, usable_cores

_GL_PACKAGES = {
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check. remedy: advice if it is not `fine`.

    needed: whether nothing runs without it; among several devices, one that works is enough.
    """

    subject: str
    found: str
    fine: bool = True
    remedy: str = ""
    needed: bool = True


def examine(console: Terminal) -> int:
    """Print a table of findings; returns 0 if a headless run is possible, else 1."""
    findings = [finding for look in _LOOKS for finding in look()]
    table = Table(show_header=False, box=None, pad_edge=False)
    for each in findings:
        mark = Text("ok", "green") if each.fine else Text("no", "red")
        table.add_row(mark, each.subject, Text(spelled(each.found, console.encoding)))
    console.print(table, soft_wrap=False)
    missing = [each for each in findings if each.needed and not each.fine]
    for each in missing:
        console.say((each.subject, "bold"), f": {each.remedy}")
    if not missing:
        console.say("All set: valuescape run demo")
    return 1 if missing else 0


def _libraries() -> Iterator[Finding]:
    for library, package in _GL_PACKAGES.items():
        loads = library_loads(library)
        yield Finding(
            library,
            "found" if loads else "cannot be loaded",
            loads,
            f"Debian, Ubuntu: apt-get install {package} libgl1-mesa-dri",
        )


def _devices() -> Iterator[Finding]:
    count = egl_device_count()
    yield Finding("EGL devices", str(count) if count else "none listed; the default is tried")
    for index in range(max(count, 1)):
        try:
            gl = create_headless_context(index)
        except UsageError as error:
            # No fault while another device works, which `_context` checks.
            yield Finding(f"EGL device {index}", str(error).splitlines()[0], fine=False, needed=False)
            continue
        driver = driver_info(gl)
        gl.release()
        kind = "software, shares the CPU's cores" if driver.software else "GPU"
        yield Finding(f"EGL device {index}", f"{driver.renderer} ({kind}), OpenGL {driver.version}")


def _context() -> Iterator[Finding]:
    try:
        gl = create_headless_context()
    except UsageError as error:
        yield Finding("OpenGL 4.3, headless", "not to be had", False, str(error))
        return
    info = driver_info(gl)
    gl.release()
    yield Finding("OpenGL 4.3, headless", f"{info.renderer}: `valuescape run` uses this one")


def _screen() -> Iterator[Finding]:
    there = display_available()
    yield Finding("screen", "there: runs open a window" if there else "none: runs are headless")


def _torch() -> Iterator[Finding]:
    if importlib.util.find_spec("torch") is None:
        yield Finding("torch", "not installed", False, "pip install -c constraints.txt -e .")
        return
    import torch

    device = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "CPU"
    yield Finding("torch", f"{torch.__version__} on {device}, {torch.get_num_threads()} threads")
    trains = importlib.util.find_spec("stable_baselines3") is not None
    yield Finding(
        "training",
        "Stable-Baselines3 found" if trains else "not installed (optional): pip install -e '.[train]'",
    )


def _machine() -> Iterator[Finding]:
    yield Finding("cores", f"{usable_cores()} usable of {os.cpu_count()}")
    room = available_memory()
    yield Finding(
        "shared-memory room",
        f"{room / 2**30:.1f} GiB (anonymous memory: the size of /dev/shm does not matter)",
        room > 2**28,
        "free some memory, or raise the container's memory limit",
    )
    free = shutil.disk_usage(".").free
    yield Finding("disk", f"{free / 2**30:.1f} GiB free here", free > 2**28, "free some disk space")


_LOOKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    _libraries,
    _devices,
    _context,
    _screen,
    _torch,
    _machine,
)
