"""The display of a run: a window, or a headless display."""

from valuescape.render.displays.display import Display
from valuescape.render.displays.headless import HeadlessDisplay
from valuescape.sim.config.files import Config


def open_display(config: Config, *, headless: bool) -> Display:
    """Return a new display of the configured size. Raises UsageError if there can be none here."""
    render = config.render
    size = render.width, render.height
    if headless:
        return HeadlessDisplay(size, render.device)
    # GLFW looks for a display when it is imported.
    from valuescape.render.displays.window import WindowDisplay

    return WindowDisplay(size, "Valuescape", vsync=render.vsync)
