"""Window and headless display: one contract, and what is the window's own."""

import struct
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.passes.uploaded_field import UploadedField
from valuescape.render.displays.display import display_available, picture_bytes
from valuescape.render.displays.events import (
    KEYS,
    Action,
    Button,
    Close,
    Edit,
    Key,
    Move,
    Press,
    Release,
    Scroll,
)
from valuescape.render.displays.headless import HeadlessDisplay
from valuescape.render.displays.recorder import pixels
from valuescape.render.overlay.labels import Annotations, Heading
from valuescape.render.scene.scene import Scene
from valuescape.render.view.viewer import Viewer
from valuescape.run.length import RunLength
from valuescape.run.outputs import Outputs
from valuescape.run.session import Session
from valuescape.sim.config.files import load_config
from valuescape.sim.errors import UsageError
from valuescape.sim.worlds import make_world

# Every test asks for the screen, so that its server is there before the first, and nobody's leftover.
pytestmark = [pytest.mark.gpu, pytest.mark.usefixtures("screen")]

SIZE = (480, 270)
glfw = pytest.importorskip("glfw")


@pytest.fixture
def windows(screen):
    """Skip the test where no window can be opened; returns the class."""
    if screen is None:
        pytest.skip("needs Xvfb (Debian, Ubuntu: apt-get install xvfb)")
    from valuescape.render.displays.window import WindowDisplay

    return WindowDisplay


@pytest.fixture
def open_window(windows):
    """Return a function that opens a window; it is closed after the test."""
    opened = []

    def open_window(size=SIZE):
        opened.append(windows(size, "test", vsync=False))
        return opened[-1]

    yield open_window
    for each in opened:
        each.release()


@pytest.fixture
def open_headless():
    opened = []

    def open_headless(size=SIZE, script=()):
        opened.append(HeadlessDisplay(size, script=script))
        return opened[-1]

    yield open_headless
    for each in opened:
        each.release()


@pytest.fixture(params=["window", "headless"])
def display(request):
    """Either display; the contract's tests run with both."""
    return request.getfixturevalue(f"open_{request.param}")()


def hills(edge=32):
    x, y = np.meshgrid(*[np.linspace(-3, 3, edge)] * 2)
    return (np.sin(x) * np.cos(y)).astype(np.float32)


def drawn(display, viewer, size=None):
    """Present a small scene on a display; returns its picture's bytes, top row first."""
    config = load_config(None, ["agents.count=1", "render.mesh_resolution=16"])
    meter = FrameMeter()
    field = UploadedField(display.gl, 32, meter)
    field.write(hills().ravel())
    scene = Scene(display.gl, config, make_world("point_mass"), field, meter, display.pixel_scale)
    try:
        scene.resize(size or display.size_px)
        scene.field_changed()
        scene.draw(viewer, Annotations(Heading(("A scene",), ("for a test",))))
        display.present(scene.picture)
        assert display.gl.error == "GL_NO_ERROR"
        return picture_bytes(scene.picture)
    finally:
        scene.release()
        field.release()


def a_viewer(**changes):
    return Viewer(**{"flat": True, "layer": "value", "trail_color": "age", **changes})


def test_a_display_has_a_size_and_gives_events(display):
    assert display.size_px == SIZE
    assert display.pixel_scale == 1
    assert display.poll() == []


def test_a_display_s_context_is_fit_for_the_shaders(display):
    assert display.gl.version_code >= 430
    assert "structs.glsl" in display.gl.includes


def test_window_and_headless_draw_the_same(open_window, open_headless):
    for changes in ({}, {"flat": False}, {"help_shown": True}):
        viewer = a_viewer(**changes)
        pictures = [drawn(each, viewer) for each in (open_headless(), open_window())]
        assert pictures[0] == pictures[1]
        assert len(set(pictures[0])) > 50


def on_screen(path: Path, size):
    """Return the screen's top left corner [height, width, 3], where windows open without a manager."""
    data = path.read_bytes()
    header = struct.unpack(">25I", data[:100])
    skip, width, height, stride, colors = header[0], header[4], header[5], header[12], header[19]
    rows = np.frombuffer(data, np.uint8, stride * height, skip + 12 * colors).reshape(height, -1, 4)
    return rows[: size[1], : min(width, size[0]), 2::-1]


def wait_for_screen(path, expected, size):
    """Compare once the X server has caught up."""
    end = time.monotonic() + 10
    while True:
        found = on_screen(path, size)
        if np.array_equal(found, expected) or time.monotonic() > end:
            break
        time.sleep(0.02)
    np.testing.assert_array_equal(found, expected)


def test_the_picture_arrives_on_the_screen(open_window, screen):
    window = open_window()
    glfw.set_window_pos(window._window, 0, 0)
    wait_for_screen(screen, pixels(drawn(window, a_viewer()), SIZE), SIZE)


def test_a_panel_is_beside_the_picture(open_window, screen):
    """Left of it, each with its own pixels: nothing of the picture is covered."""
    window = open_window()
    glfw.set_window_pos(window._window, 0, 0)
    parts = []
    for width, color in ((120, (0.2, 0.4, 0.6)), (SIZE[0] - 120, (0.9, 0.1, 0.3))):
        texture = window.gl.texture((width, SIZE[1]), 4)
        parts.append(window.gl.framebuffer([texture]))
        parts[-1].clear(*color, 1.0)
    window.present(parts[1], parts[0])
    expected = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    expected[:, :120], expected[:, 120:] = (51, 102, 153), (230, 26, 76)
    wait_for_screen(screen, expected, SIZE)


@pytest.mark.parametrize("size", [(640, 400), (300, 200)], ids=["larger", "smaller"])
def test_a_window_can_be_resized(open_window, screen, size):
    window = open_window()
    glfw.set_window_pos(window._window, 0, 0)
    drawn(window, a_viewer())
    glfw.set_window_size(window._window, *size)
    end = time.monotonic() + 10
    while window.size_px != size and time.monotonic() < end:
        assert window.poll() == []
    assert window.size_px == size
    picture = pixels(drawn(window, a_viewer()), size)
    wait_for_screen(screen, picture, size)


def test_a_script_s_events_come_poll_by_poll(open_headless):
    script = [[Key(Action.HELP)], [], [Scroll(1, 2, 3), Close()]]
    display = open_headless(script=script)
    assert [display.poll() for _ in range(4)] == [*script, []]


def glfw_keys():
    """Return the key code of every name in the help, but for those of views."""
    names = {"→": "RIGHT", "Esc": "ESCAPE", "+": "EQUAL", "-": "MINUS"}
    return {
        getattr(glfw, f"KEY_{names.get(name, name).upper()}"): action
        for keys, action, _ in KEYS
        for name in keys.split(", ")
        if action not in (Action.VIEW, Action.SAVE_VIEW, Action.QUIT)
    }


KEYPAD = {glfw.KEY_KP_ADD: Action.FASTER, glfw.KEY_KP_SUBTRACT: Action.SLOWER}


def test_every_key_of_the_help_works(open_window):
    window = open_window()
    for code, action in glfw_keys().items():
        window._on_key(window._window, code, 0, glfw.PRESS, 0)
        window._on_key(window._window, code, 0, glfw.RELEASE, 0)
        assert [event for event in window.poll() if not isinstance(event, Edit)] == [Key(action)]
    window._on_key(window._window, glfw.KEY_Q, 0, glfw.PRESS, 0)
    assert window.poll() == []
    window._on_key(window._window, glfw.KEY_Q, 0, glfw.PRESS, glfw.MOD_CONTROL)
    assert window.poll() == [Key(Action.QUIT)]


def test_letters_with_control_are_for_text(open_window):
    window = open_window()
    for letter in "ACVXZ":
        window._on_key(window._window, getattr(glfw, f"KEY_{letter}"), 0, glfw.PRESS, glfw.MOD_CONTROL)
        assert window.poll() == [Edit(letter.lower(), True)]


def test_keys_that_change_others_are_reported_from_both_sides(open_window):
    window = open_window()
    for code, name in (("LEFT_CONTROL", "ctrl"), ("RIGHT_CONTROL", "ctrl"), ("RIGHT_SHIFT", "shift")):
        for action in (glfw.PRESS, glfw.RELEASE):
            window._on_key(window._window, getattr(glfw, f"KEY_{code}"), 0, action, 0)
        assert window.poll() == [Edit(name, True), Edit(name, False)]


def test_letters_are_those_of_the_keyboard_s_layout(open_window, monkeypatch):
    """On a French one, A is where a US one has Q."""
    window = open_window()
    monkeypatch.setattr(glfw, "get_key_name", lambda key, _: {glfw.KEY_Q: "a", glfw.KEY_M: ","}.get(key))
    for key in (glfw.KEY_Q, glfw.KEY_M, glfw.KEY_SPACE):
        window._on_key(window._window, key, 0, glfw.PRESS, 0)
    assert [event for event in window.poll() if isinstance(event, Key)] == [
        Key(Action.FIT),
        Key(Action.LAYER),
        Key(Action.PAUSE),
    ]


def test_what_is_copied_can_be_pasted(display):
    assert display.paste() == ""
    display.copy("0,25 × τ")
    assert display.paste() == "0,25 × τ"


@pytest.mark.parametrize(
    ("window", "chosen"),
    [
        ((10, 10, 500, 300), 0),
        ((1900, 50, 500, 300), 1),
        ((1500, 50, 500, 300), 0),
        ((3000, -900, 99, 99), 2),
    ],
)
def test_full_screen_is_on_the_screen_that_the_window_is_on_mostly(windows, window, chosen):
    from valuescape.render.displays.window import shared_px

    screens = [(0, 0, 1920, 1080), (1920, 0, 1280, 1024), (1920, -1080, 1920, 1080)]
    areas = [shared_px(window, each) for each in screens]
    assert areas.index(max(areas)) == chosen
    assert shared_px((0, 0, 10, 10), (4, 5, 10, 10)) == 6 * 5
    assert shared_px((0, 0, 10, 10), (20, 0, 10, 10)) == 0


def test_digits_choose_views_and_with_control_save_them(open_window):
    window = open_window()
    window._on_key(window._window, glfw.KEY_3, 0, glfw.PRESS, 0)
    window._on_key(window._window, glfw.KEY_9, 0, glfw.PRESS, glfw.MOD_CONTROL)
    window._on_key(window._window, glfw.KEY_0, 0, glfw.PRESS, 0)
    assert window.poll() == [Key(Action.VIEW, 3), Key(Action.SAVE_VIEW, 9)]


def test_a_window_fills_the_screen_and_goes_back(open_window):
    window = open_window()
    before = window.size_px
    window.toggle_full_screen()
    window.poll()
    assert window.size_px[0] >= before[0]
    assert window.size_px != before
    window.toggle_full_screen()
    window.poll()
    assert window.size_px == before


def test_keys_beside_those_of_the_help_do_nothing():
    from valuescape.render.displays.window import _ACTIONS

    assert glfw_keys() | KEYPAD == _ACTIONS


def test_the_pointer_is_reported_with_its_buttons(open_window):
    window = open_window()
    handle = window._window

    def move(x, y):
        window._on_move(handle, x, y)

    move(100, 50)
    window._on_button(handle, glfw.MOUSE_BUTTON_LEFT, glfw.PRESS, glfw.MOD_SHIFT)
    move(110, 45)
    window._on_button(handle, glfw.MOUSE_BUTTON_LEFT, glfw.RELEASE, 0)
    window._on_button(handle, glfw.MOUSE_BUTTON_RIGHT, glfw.PRESS, 0)
    window._on_button(handle, glfw.MOUSE_BUTTON_MIDDLE, glfw.PRESS, 0)
    assert window.poll() == [
        Move(100, 50),
        Press(Button.LEFT, 100, 50, shift=True),
        Move(110, 45),
        Release(Button.LEFT, 110, 45),
        Press(Button.RIGHT, 110, 45),
    ]


def test_the_wheel_says_where_the_pointer_is(open_window):
    window = open_window()
    window._on_move(window._window, 30, 40)
    window._on_scroll(window._window, 0.0, -1.5)
    assert window.poll() == [Move(30, 40), Scroll(-1.5, 30, 40)]


def test_callbacks_are_connected(open_window):
    """GLFW gives the one that was set before, when another is set."""
    window = open_window()
    handle = window._window
    kinds = ("key", "char", "mouse_button", "cursor_pos", "scroll", "window_close")
    set_before = {kind: getattr(glfw, f"set_{kind}_callback")(handle, None) for kind in kinds}
    assert all(set_before.values()), set_before
    set_before["window_close"](handle)
    assert window.poll() == [Close()]


def test_a_released_window_leaves_nothing(windows):
    def files():
        return psutil.Process().num_fds()

    windows(SIZE, "test", vsync=False).release()  # the driver keeps some files open, once
    before = files()
    for _ in range(3):
        windows(SIZE, "test", vsync=True).release()
    assert files() == before
    assert not glfw.get_current_context()


def test_without_a_display_a_window_is_a_usage_error(monkeypatch):
    from valuescape.render.displays.window import WindowDisplay

    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert not display_available()
    with pytest.raises(UsageError, match=r"(?s)no window can be opened.*--headless"):
        WindowDisplay(SIZE, "test", vsync=False)


def test_a_headless_device_that_is_not_there_is_a_usage_error():
    with pytest.raises(UsageError, match="EGL device 63"):
        HeadlessDisplay(SIZE, 63)


@pytest.mark.usefixtures("windows")
def test_a_session_runs_in_a_window(tmp_path):
    """Keys and wheel turn what is shown, the window changes its size and is closed."""
    config = load_config(
        None,
        [
            "agents.count=40",
            "features.parallel_agents=false",
            f"render.width={SIZE[0]}",
            f"render.height={SIZE[1]}",
            "heatmap.resolution=32",
            "features.simd=false",
        ],
    )
    assert display_available()
    with Session(config, RunLength(), Outputs(tmp_path), headless=False, panel=False) as session:
        window = session.display
        script = {
            3: lambda: window._on_key(window._window, glfw.KEY_F9, 0, glfw.PRESS, 0),
            5: lambda: window._on_scroll(window._window, 0.0, 2.0),
            7: lambda: window._on_key(window._window, glfw.KEY_F12, 0, glfw.PRESS, 0),
            10: lambda: glfw.set_window_size(window._window, 640, 400),
            40: lambda: window._events.append(Close()),
        }
        result = session.run(lambda progress: script.get(progress.frames, lambda: None)())
        assert session.viewer.flat
        assert session.viewer.map_camera.reach < 1
        assert session.scene.picture.size == (640, 400)
        assert session.display.gl.error == "GL_NO_ERROR"
    assert result.report["frames"] == 41
    assert [path.suffix for path in sorted(tmp_path.iterdir())] == [".json", ".png"]
