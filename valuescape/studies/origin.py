"""The origin of a measurement, for reports to name: command, date, machine, versions, OpenGL driver."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from valuescape.gpu.context import create_headless_context, driver_info
from valuescape.run.report import about
from valuescape.sim.config.files import Config
from valuescape.sim.errors import UsageError


def origin(config: Config | Mapping[str, Any]) -> dict[str, Any]:
    """Return the block that every report of a measuring command has, run.json's and `gl_renderer`.

    config: what was run; where no world was run, the options that decided what was measured. `gl_renderer` is
    None on a machine without OpenGL, where some commands can measure too.
    """
    renderer = None
    with suppress(UsageError):
        renderer = headless_renderer()
    return {**about(config), "gl_renderer": renderer}


def headless_renderer() -> str:
    """Return the name of the OpenGL driver that runs without a window use.

    Makes a context and releases it, after which no context is current. Raises UsageError without OpenGL.
    """
    gl = create_headless_context()
    try:
        return driver_info(gl).renderer
    finally:
        gl.release()
