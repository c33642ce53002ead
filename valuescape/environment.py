"""The environment of a run, for reports and recordings: the machine, and the versions of packages."""

import importlib.metadata
import platform
from typing import Any

from valuescape.sim.resources import processor, usable_cores

_PACKAGES = (
    *("valuescape", "numpy", "numba", "torch", "gymnasium", "moderngl", "glfw", "multiprocess", "av"),
    *("matplotlib", "pillow"),
)


def machine() -> dict[str, Any]:
    """Return the operating system, the name of the processor, and the number of cores that may be used."""
    return {
        "system": f"{platform.system()} {platform.release()}",
        "processor": processor(),
        "cores": usable_cores(),
    }


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that figures and states depend on."""
    return {"python": platform.python_version(), **{name: _version(name) for name in _PACKAGES}}


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "none"
