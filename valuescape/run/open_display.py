"""Where a run is drawn unless it is told: a window, or a picture that nobody sees."""

from valuescape.render.displays.display import Display
from valuescape.render.displays.headless import HeadlessDisplay
from valuescape.sim.config.files import Config


def open_display(config: Config, *, headless: bool) -> Display:
    """Return a display as the configuration wants it. Raises UsageError if there can be none here."""
    render = config.render
    size = render.width, render.height
    if headless:
        return HeadlessDisplay(size, render.device)
    from valuescape.render.displays.window import (
        WindowDisplay,
    )  # GLFW looks for a display when it is imported

    return WindowDisplay(size, "Valuescape", vsync=render.vsync)
