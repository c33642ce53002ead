"""The contract of displays: the window, the headless one, the one on pages, and the stub.

A new display takes its place in `KINDS`, with a fixture `open_KIND` in `tests/helpers/screens.py`.
"""

import inspect
import time

import numpy as np
import pytest
from screens import SIZE
from small_scene import a_viewer, drawn

from valuescape.gpu.context import REQUIRED
from valuescape.render.displays.display import MIN_SIZE_PX, Display, picture_bytes
from valuescape.render.displays.headless import HeadlessDisplay
from valuescape.render.displays.streamed import StreamedDisplay
from valuescape.render.displays.stub import StubDisplay

# Every test asks for the screen, so that its server is there before the first, and nobody's leftover.
pytestmark = [pytest.mark.gpu, pytest.mark.usefixtures("screen")]

pytest.importorskip("glfw")
from valuescape.render.displays.window import WindowDisplay  # noqa: E402 - needs GLFW

KINDS = {
    "window": WindowDisplay,
    "headless": HeadlessDisplay,
    "streamed": StreamedDisplay,
    "stub": StubDisplay,
}


@pytest.fixture(params=KINDS)
def open_display(request):
    """Return how to open a display of each kind."""
    return request.getfixturevalue(f"open_{request.param}")


@pytest.fixture
def display(open_display):
    return open_display()


def public(kind):
    return {name for name in dir(kind) if not name.startswith("_")}


def test_every_display_is_under_test():
    ours = {each for each in Display.__subclasses__() if each.__module__.startswith("valuescape.")}
    assert ours == set(KINDS.values())


@pytest.mark.parametrize("kind", KINDS.values())
def test_signatures_are_those_of_the_base(kind):
    assert public(kind) == public(Display)
    written = {name for name in dir(Display) if name.startswith("_do_")}
    for name in public(Display) | written:
        promised, found = getattr(Display, name), getattr(kind, name)
        if isinstance(promised, property):
            assert isinstance(found, property), name
        else:
            assert inspect.signature(found) == inspect.signature(promised), name


def test_what_has_to_be_written_is_marked():
    assert {name for name in dir(Display) if name.startswith("_do_")} == Display.__abstractmethods__
    for missing in Display.__abstractmethods__:
        written = {name: getattr(StubDisplay, name) for name in Display.__abstractmethods__ - {missing}}
        with pytest.raises(TypeError, match=missing):
            type("Incomplete", (Display,), written)()


def test_a_display_has_the_size_that_was_asked_for(display):
    assert display.size_px == SIZE
    assert display.pixel_scale == 1


def test_polling_never_waits(display):
    began = time.monotonic()
    assert [display.poll() for _ in range(50)] == [[]] * 50
    assert time.monotonic() - began < 2


def test_the_context_is_fit_for_the_shaders(display):
    assert display.gl.version_code >= REQUIRED
    assert "structs.glsl" in display.gl.includes
    assert display.gl.error == "GL_NO_ERROR"


@pytest.mark.parametrize("changes", [{}, {"flat": False}, {"help_shown": True}], ids=["map", "field", "help"])
def test_all_displays_draw_the_same(changes, request):
    pictures = [drawn(request.getfixturevalue(f"open_{kind}")(), a_viewer(**changes)) for kind in KINDS]
    assert len(set(pictures[0])) > 50
    assert all(each == pictures[0] for each in pictures)


def filled(gl, size, color):
    """Return a framebuffer of one colour (0 to 255)."""
    framebuffer = gl.framebuffer([gl.texture(size, 4)])
    framebuffer.clear(*np.array(color) / 255, 1.0)
    return framebuffer


@pytest.mark.parametrize("panel_px", [0, 120], ids=["alone", "beside a panel"])
def test_presenting_leaves_pictures_as_they_are(display, panel_px):
    picture = filled(display.gl, (SIZE[0] - panel_px, SIZE[1]), (230, 26, 76))
    panel = filled(display.gl, (panel_px, SIZE[1]), (51, 102, 153)) if panel_px else None
    for _ in range(3):
        display.present(picture, panel)
        assert display.gl.error == "GL_NO_ERROR"
    assert set(zip(*[iter(picture_bytes(picture))] * 3, strict=True)) == {(230, 26, 76)}
    if panel:
        assert set(zip(*[iter(picture_bytes(panel))] * 3, strict=True)) == {(51, 102, 153)}


def test_presenting_waits_for_the_driver(display, monkeypatch):
    """A frame's time would not hold its work otherwise."""
    order = []

    class Noted:
        """A context that notes when it is waited for."""

        def finish(self):
            order.append("finished")

    picture = filled(display.gl, SIZE, (0, 0, 0))
    monkeypatch.setattr(display, "_do_present", lambda *_: order.append("shown"))
    monkeypatch.setattr(display, "gl", Noted())
    display.present(picture)
    assert order == ["shown", "finished"]


def test_copied_text_can_be_pasted(display):
    assert display.paste() == ""
    display.copy("0,25 × τ")
    assert display.paste() == "0,25 × τ"


def test_a_display_takes_another_size_or_keeps_its_own(display):
    display.resize((640, 400))
    end = time.monotonic() + 10
    while display.size_px == SIZE and not isinstance(display, StubDisplay) and time.monotonic() < end:
        assert display.poll() == []
    assert display.size_px == (SIZE if isinstance(display, StubDisplay) else (640, 400))


def test_no_display_is_smaller_than_a_picture_can_be(open_headless, open_stub):
    """A minimised window has no pixels, but the scene needs some."""
    smallest = MIN_SIZE_PX, MIN_SIZE_PX
    assert [each((0, 1)).size_px for each in (open_headless, open_stub)] == [smallest, smallest]


def test_full_screen_and_back_is_the_size_before(display):
    for _ in range(2):
        display.toggle_full_screen()
        display.poll()
    assert display.size_px == SIZE


def test_closing_twice_is_harmless_and_another_can_be_opened(open_display):
    for _ in range(2):
        display = open_display()
        display.release()
        display.release()
    assert open_display().size_px == SIZE
