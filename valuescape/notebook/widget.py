"""The widget that shows a run on a page of a notebook, through anywidget."""

from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from valuescape.render.displays.events import KEYS, MOUSE
from valuescape.render.displays.streaming.page_modules import joined, shared_modules
from valuescape.sim.errors import UsageError


class Page:
    """A widget, and what sends messages to it and takes those that it sends.

    size: width and height on the page, CSS pixels. Raises UsageError without anywidget, which is an optional
    extra.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self._receive: Callable[[object], None] = lambda _: None
        self.widget: Any = _widget_class()(width=size[0], height=size[1])
        self.widget.on_msg(self._on_message)

    def listen(self, receive: Callable[[object], None]) -> None:
        """Call `receive` with every message of the page from now on, in the thread that it arrives in."""
        self._receive = receive

    def send(self, content: Mapping[str, Any], picture: bytes | None = None) -> None:
        """Send a message, with a picture's bytes as it is; from any thread. Never waits for the page."""
        self.widget.send(dict(content), None if picture is None else [picture])

    def keep(self, still: bytes) -> None:
        """Keep a picture (JPEG) in the widget's state, for pages without a kernel."""
        self.widget.still = still

    def _on_message(self, _widget: Any, content: object, _buffers: Any) -> None:
        self._receive(content)


_NOT_HERE = ("F5", "F12", "Tab", "Ctrl Q")
"""Keys of the window that a browser keeps to itself."""


def _keys() -> list[tuple[str, str]]:
    """Return keys and gestures with their descriptions, as a page lists them."""
    keys = [(key, said) for key, action, said in KEYS if key not in _NOT_HERE]
    said = {"Wheel": "zoom to the pointer, once the picture was clicked"}
    return [*keys, *((gesture, said.get(gesture, meaning)) for gesture, meaning in MOUSE)]


def page_script() -> str:
    """Return the script of the page, one module that imports nothing: anywidget loads no other."""
    return joined(_static("view.js"), shared_modules())


def _static(name: str) -> str:
    return files("valuescape.notebook").joinpath("static", name).read_text(encoding="utf-8")


@cache
def _widget_class() -> Any:
    """Return the class of the widget; made here, for anywidget is optional."""
    try:
        import anywidget
        import traitlets
    except ModuleNotFoundError as error:
        raise UsageError(
            f"valuescape.show needs {error.name}, which is not installed",
            "pip install 'valuescape[notebook]' (in a clone: pip install -e '.[notebook]')",
        ) from error

    class ViewWidget(anywidget.AnyWidget):  # type: ignore[misc, unused-ignore]
        """A picture with controls. width, height: CSS pixels. still: a picture for pages without a kernel."""

        _esm = page_script()
        _css = _static("view.css")
        width = traitlets.Int(960).tag(sync=True)
        height = traitlets.Int(540).tag(sync=True)
        still = traitlets.Bytes(b"").tag(sync=True)
        key_help = traitlets.List(_keys()).tag(sync=True)

    return ViewWidget
