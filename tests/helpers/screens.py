"""A screen to open windows on where there is none, and displays that are closed after a test."""

import os
import select
import shutil
import subprocess
from contextlib import ExitStack, contextmanager

import pytest

from valuescape.gpu.context import create_headless_context
from valuescape.render.displays.headless import HeadlessDisplay
from valuescape.render.displays.streamed import StreamedDisplay
from valuescape.render.displays.streaming.audience import Audience
from valuescape.render.displays.stub import StubDisplay

SIZE = (480, 270)


@contextmanager
def virtual_screen(size, *options):
    """Start an X server without a screen; gives the name of its display, None where there is no such server.

    Without -noreset it starts anew when the last window closes, and refuses the next one meanwhile.
    """
    if shutil.which("Xvfb") is None:
        yield None
        return
    ready, told = os.pipe()
    width, height = size
    command = ["Xvfb", "-displayfd", str(told), *options, "-screen", "0", f"{width}x{height}x24"]
    command += ["-noreset", "-nolisten", "tcp"]
    with subprocess.Popen(
        command, pass_fds=[told], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            os.close(told)
            assert select.select([ready], [], [], 20)[0], "Xvfb does not start"
            yield f":{os.read(ready, 16).decode().strip()}"
        finally:
            os.close(ready)
            server.terminate()


@pytest.fixture(scope="module")
def screen(tmp_path_factory):
    """Start an X server without a screen, as DISPLAY; yields the file that holds its pixels (xwd).

    None where there is no such server.
    """
    folder = tmp_path_factory.mktemp("screen")
    with virtual_screen((900, 700), "-fbdir", folder) as display:
        if display is None:
            yield None
            return
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("DISPLAY", display)
            environment.delenv("WAYLAND_DISPLAY", raising=False)
            yield folder / "Xvfb_screen0"


@pytest.fixture
def windows(screen):
    """Skip the test where no window can be opened; returns the class."""
    if screen is None:
        pytest.skip("needs Xvfb (Debian, Ubuntu: apt-get install xvfb)")
    from valuescape.render.displays.window import WindowDisplay

    return WindowDisplay


@pytest.fixture
def opened():
    """Displays to be released after the test."""
    displays = []
    yield displays
    for each in reversed(displays):
        each.release()


@pytest.fixture
def open_window(windows, opened):
    """Return a function that opens a window; it is closed after the test."""

    def open_window(size=SIZE):
        opened.append(windows(size, "test", vsync=False))
        return opened[-1]

    return open_window


@pytest.fixture
def open_headless(opened):
    """Return a function that opens a headless display; it is closed after the test."""

    def open_headless(size=SIZE, script=()):
        opened.append(HeadlessDisplay(size, script=script))
        return opened[-1]

    return open_headless


@pytest.fixture
def open_stub(opened):
    """Return a function that opens a stub; it is closed after the test."""

    def open_stub(size=SIZE):
        opened.append(StubDisplay(create_headless_context(None), size))
        return opened[-1]

    return open_stub


@pytest.fixture
def open_streamed(opened):
    """Return a function that opens a display on two pages that watch, but answer nothing; closed afterwards.

    audience: that has the pages, instead of one of its own.
    """
    with ExitStack() as stack:

        def open_streamed(size=SIZE, audience=None):
            if audience is None:
                audience = stack.enter_context(Audience(size))
                for _ in range(2):
                    viewer = audience.join(lambda *_: None)
                    audience.receive(viewer, {"type": "watching", "on": True})
            opened.append(StreamedDisplay(audience))
            return opened[-1]

        yield open_streamed
