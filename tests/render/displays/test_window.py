"""The window: its pixels on the screen, its events and its sizes; tests/contracts has the rest."""

import re
import struct
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from screens import SIZE
from small_scene import a_viewer, drawn

from valuescape.render.displays.display import display_available
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
    Text,
)
from valuescape.render.displays.headless import HeadlessDisplay
from valuescape.render.displays.recorder import pixels
from valuescape.run.length import RunLength
from valuescape.run.outputs import Outputs
from valuescape.run.session import Session
from valuescape.sim.config.files import load_config
from valuescape.sim.errors import UsageError

# Every test asks for the screen, so that its server is there before the first, and nobody's leftover.
pytestmark = [pytest.mark.gpu, pytest.mark.usefixtures("screen")]

glfw = pytest.importorskip("glfw")


def happens(kind, *arguments):
    """Call the function that the open window gave GLFW for a kind of event, as GLFW does."""
    handle, connect = glfw.get_current_context(), getattr(glfw, f"set_{kind}_callback")
    callback = connect(handle, None)  # returns the one that was set
    connect(handle, callback)
    callback(handle, *arguments)


def presses(key, mods=0):
    """Press and release a key of GLFW's."""
    happens("key", key, 0, glfw.PRESS, mods)
    happens("key", key, 0, glfw.RELEASE, mods)


def keys(window):
    """Return the events of keys, without those for text."""
    return [event for event in window.poll() if isinstance(event, Key)]


def move_to_corner():
    """Put the open window where `on_screen` looks."""
    glfw.set_window_pos(glfw.get_current_context(), 0, 0)


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
    move_to_corner()
    wait_for_screen(screen, pixels(drawn(window, a_viewer()), SIZE), SIZE)


def test_a_panel_is_beside_the_picture(open_window, screen):
    """Left of it, each with its own pixels: nothing of the picture is covered."""
    window = open_window()
    move_to_corner()
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
    move_to_corner()
    drawn(window, a_viewer())
    window.resize(size)
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
    names = {"→": "RIGHT", "Esc": "ESCAPE", "+": "EQUAL", "-": "MINUS", ".": "PERIOD", ",": "COMMA"}
    return {
        getattr(glfw, f"KEY_{names.get(name, name).upper()}"): action
        for keys, action, _ in KEYS
        for name in re.split(", | and ", keys)
        if action not in NUMBERED and not name.startswith(("Shift ", "Ctrl "))
    }


NUMBERED = (Action.VIEW, Action.SAVE_VIEW, Action.CHOOSE_LAYER, Action.CHOOSE_BESIDE)
KEYPAD = {glfw.KEY_KP_ADD: Action.FASTER, glfw.KEY_KP_SUBTRACT: Action.SLOWER} | {
    getattr(glfw, f"KEY_KP_{digit}"): Action.CHOOSE_LAYER for digit in range(10)
}


def test_every_key_of_the_help_works_and_no_other_does(open_window):
    window, codes = open_window(), {getattr(glfw, name) for name in dir(glfw) if name.startswith("KEY_")}
    found = {}
    for code in codes - set(range(glfw.KEY_0, glfw.KEY_9 + 1)):
        presses(code)
        pressed = keys(window)
        assert len(pressed) <= 1
        if pressed:
            found[code] = pressed[0].action
    assert found == glfw_keys() | KEYPAD


def test_modifiers_change_what_keys_mean():
    from valuescape.render.displays.window import meaning

    assert meaning(glfw.KEY_KP_3, 0) == Key(Action.CHOOSE_LAYER, 3)
    assert meaning(glfw.KEY_KP_0, glfw.MOD_CONTROL) == Key(Action.CHOOSE_BESIDE, 0)
    assert meaning(glfw.KEY_M, 0) == Key(Action.LAYER)
    assert meaning(glfw.KEY_M, glfw.MOD_SHIFT) == Key(Action.LAYER, -1)
    assert meaning(glfw.KEY_C, glfw.MOD_SHIFT) == Key(Action.TRAIL_COLOR)
    assert meaning(glfw.KEY_M, glfw.MOD_CONTROL) is None
    assert meaning(glfw.KEY_PERIOD, 0) == Key(Action.CHECKPOINT)
    assert meaning(glfw.KEY_COMMA, 0) == Key(Action.CHECKPOINT, -1)


CONTROLLED = [(keys, action) for keys, action, _ in KEYS if "Ctrl" in keys and action not in NUMBERED]


@pytest.mark.parametrize(("held", "action"), CONTROLLED)
def test_what_needs_control_is_asked_for_with_it_alone(open_window, held, action):
    window = open_window()
    code = getattr(glfw, f"KEY_{held.removeprefix('Ctrl ')}")
    presses(code)
    assert not [each for each in window.poll() if isinstance(each, Key)]
    presses(code, glfw.MOD_CONTROL)
    assert [each for each in window.poll() if isinstance(each, Key)] == [Key(action)]


def test_shift_turns_undo_into_redo(open_window):
    window = open_window()
    presses(glfw.KEY_Z, glfw.MOD_CONTROL | glfw.MOD_SHIFT)
    assert Key(Action.REDO) in window.poll()


def test_letters_with_control_are_for_text(open_window):
    window = open_window()
    for letter in "ACVXYZ":
        presses(getattr(glfw, f"KEY_{letter}"), glfw.MOD_CONTROL)
        edits = [each for each in window.poll() if isinstance(each, Edit)]
        assert edits == [Edit(letter.lower(), True), Edit(letter.lower(), False)]


def test_modifier_keys_are_reported_on_both_sides_of_the_keyboard(open_window):
    window = open_window()
    for code, name in (("LEFT_CONTROL", "ctrl"), ("RIGHT_CONTROL", "ctrl"), ("RIGHT_SHIFT", "shift")):
        presses(getattr(glfw, f"KEY_{code}"))
        assert window.poll() == [Edit(name, True), Edit(name, False)]


def test_letters_are_those_of_the_keyboard_s_layout(open_window, monkeypatch):
    """On a French one, A is where a US one has Q."""
    window = open_window()
    monkeypatch.setattr(glfw, "get_key_name", lambda key, _: {glfw.KEY_Q: "a", glfw.KEY_M: ","}.get(key))
    for key in (glfw.KEY_Q, glfw.KEY_M, glfw.KEY_SPACE):
        presses(key)
    assert keys(window) == [Key(Action.FIT), Key(Action.LAYER), Key(Action.PAUSE)]


def test_typed_characters_are_text(open_window):
    window = open_window()
    for character in "aé1":
        happens("char", ord(character))
    assert window.poll() == [Text("a"), Text("é"), Text("1")]


@pytest.mark.parametrize(
    ("window", "chosen"),
    [
        ((10, 10, 500, 300), 0),
        ((1900, 50, 500, 300), 1),
        ((1500, 50, 500, 300), 0),
        ((3000, -900, 99, 99), 2),
    ],
)
@pytest.mark.usefixtures("windows")
def test_full_screen_is_on_the_screen_that_has_most_of_the_window(window, chosen):
    from valuescape.render.displays.window import most_on

    screens = [(0, 0, 1920, 1080), (1920, 0, 1280, 1024), (1920, -1080, 1920, 1080)]
    assert most_on(window, screens) == chosen
    assert most_on(window, screens[::-1]) == 2 - chosen


def test_digits_choose_views_and_with_control_save_them(open_window):
    window = open_window()
    presses(glfw.KEY_3)
    presses(glfw.KEY_9, glfw.MOD_CONTROL)
    presses(glfw.KEY_0)
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


def test_the_pointer_is_reported_with_its_buttons(open_window):
    window = open_window()
    happens("cursor_pos", 100, 50)
    happens("mouse_button", glfw.MOUSE_BUTTON_LEFT, glfw.PRESS, glfw.MOD_SHIFT)
    happens("cursor_pos", 110, 45)
    happens("mouse_button", glfw.MOUSE_BUTTON_LEFT, glfw.RELEASE, 0)
    happens("mouse_button", glfw.MOUSE_BUTTON_RIGHT, glfw.PRESS, 0)
    happens("mouse_button", glfw.MOUSE_BUTTON_MIDDLE, glfw.PRESS, 0)
    assert window.poll() == [
        Move(100, 50),
        Press(Button.LEFT, 100, 50, shift=True),
        Move(110, 45),
        Release(Button.LEFT, 110, 45),
        Press(Button.RIGHT, 110, 45),
    ]


def test_the_wheel_says_where_the_pointer_is(open_window):
    window = open_window()
    happens("cursor_pos", 30, 40)
    happens("scroll", 0.0, -1.5)
    assert window.poll() == [Move(30, 40), Scroll(-1.5, 30, 40)]


def test_closing_the_window_is_an_event(open_window):
    window = open_window()
    happens("window_close")
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
        script = {
            3: lambda: presses(glfw.KEY_F9),
            5: lambda: happens("scroll", 0.0, 2.0),
            7: lambda: presses(glfw.KEY_F12),
            10: lambda: session.display.resize((640, 400)),
            40: lambda: happens("window_close"),
        }
        result = session.run(lambda progress: script.get(progress.frames, lambda: None)())
        assert session.viewer.flat
        assert session.viewer.map_camera.reach < 1
        assert session.scene.picture.size == (640, 400)
        assert session.display.gl.error == "GL_NO_ERROR"
    assert result.report["frames"] == 41
    assert [path.suffix for path in sorted(tmp_path.iterdir())] == [".json", ".png"]
