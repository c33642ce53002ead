"""The window on a screen, through GLFW."""

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

import glfw
import moderngl

from valuescape.gpu.context import REQUIRED, let_go_of_headless_contexts, prepare
from valuescape.render.displays.display import Display
from valuescape.render.displays.events import (
    Action,
    Button,
    Close,
    Edit,
    Event,
    Key,
    Move,
    Press,
    Release,
    Scroll,
    Text,
)
from valuescape.sim.errors import UsageError

_ACTIONS = {
    glfw.KEY_SPACE: Action.PAUSE,
    glfw.KEY_RIGHT: Action.STEP,
    glfw.KEY_EQUAL: Action.FASTER,
    glfw.KEY_KP_ADD: Action.FASTER,
    glfw.KEY_MINUS: Action.SLOWER,
    glfw.KEY_KP_SUBTRACT: Action.SLOWER,
    glfw.KEY_PERIOD: Action.CHECKPOINT,
    glfw.KEY_COMMA: Action.CHECKPOINT,
    glfw.KEY_END: Action.LIVE,
    glfw.KEY_R: Action.RESET_VIEW,
    glfw.KEY_A: Action.FIT,
    glfw.KEY_F: Action.FOLLOW,
    glfw.KEY_G: Action.GLOW,
    glfw.KEY_TAB: Action.INTERFACE,
    glfw.KEY_F3: Action.PROFILE,
    glfw.KEY_F5: Action.RELOAD,
    glfw.KEY_F11: Action.FULL_SCREEN,
    glfw.KEY_V: Action.BLIND,
    glfw.KEY_F9: Action.PROJECTION,
    glfw.KEY_M: Action.LAYER,
    glfw.KEY_B: Action.BESIDE,
    glfw.KEY_L: Action.LINK,
    glfw.KEY_S: Action.SIDE,
    glfw.KEY_N: Action.FINDING,
    glfw.KEY_C: Action.TRAIL_COLOR,
    glfw.KEY_F12: Action.SCREENSHOT,
    glfw.KEY_H: Action.HELP,
    glfw.KEY_F1: Action.HELP,
    glfw.KEY_ESCAPE: Action.BACK,
}
_CONTROLLED = {glfw.KEY_Q: Action.QUIT, glfw.KEY_Z: Action.UNDO, glfw.KEY_Y: Action.REDO}
"""Keys that mean something while Ctrl is held."""

_WALKS = {Action.LAYER, Action.FINDING}
"""Actions that go to the next of several things; with Shift, to the one before."""

_EDITS = {
    glfw.KEY_BACKSPACE: "backspace",
    glfw.KEY_DELETE: "delete",
    glfw.KEY_ENTER: "enter",
    glfw.KEY_LEFT: "left",
    glfw.KEY_RIGHT: "right",
    glfw.KEY_UP: "up",
    glfw.KEY_DOWN: "down",
    glfw.KEY_HOME: "home",
    glfw.KEY_END: "end",
    glfw.KEY_TAB: "tab",
    glfw.KEY_ESCAPE: "escape",
    glfw.KEY_KP_ENTER: "enter",
    glfw.KEY_LEFT_CONTROL: "ctrl",
    glfw.KEY_RIGHT_CONTROL: "ctrl",
    glfw.KEY_LEFT_SHIFT: "shift",
    glfw.KEY_RIGHT_SHIFT: "shift",
    **{getattr(glfw, f"KEY_{letter}"): letter.lower() for letter in "ACVXYZ"},
}
"""Keys that edit text, and modifiers. The letters are for copying, pasting and the like, with Ctrl."""

_BUTTONS = {glfw.MOUSE_BUTTON_LEFT: Button.LEFT, glfw.MOUSE_BUTTON_RIGHT: Button.RIGHT}


Box = tuple[int, int, int, int]

_NONE: Any = None
"""No window or no monitor; the types of GLFW do not provide for it."""

_DRAW_FRAMEBUFFER, _COLOR_BUFFER_BIT, _NEAREST = 0x8CA9, 0x4000, 0x2600


def _gl_function(name: str, arguments: int) -> Callable[..., None]:
    """Return an OpenGL function with integer arguments.

    moderngl's own copy to the window keeps the size that the window had at first.
    """
    return ctypes.cast(glfw.get_proc_address(name), ctypes.CFUNCTYPE(None, *[ctypes.c_int] * arguments))


def _of_layout(key: int, code: int) -> int:
    """Return the key by the keyboard's layout if it is a letter; GLFW numbers keys by the US layout."""
    name = glfw.get_key_name(key, code) or ""
    return int(getattr(glfw, f"KEY_{name.upper()}", key)) if len(name) == 1 and name.isalpha() else key


def meaning(key: int, mods: int) -> Key | None:
    """Return what a key means with the modifiers that are held (GLFW's numbers); None if nothing."""
    control = bool(mods & glfw.MOD_CONTROL)
    if glfw.KEY_1 <= key <= glfw.KEY_9:
        return Key(Action.SAVE_VIEW if control else Action.VIEW, key - glfw.KEY_0)
    if glfw.KEY_KP_0 <= key <= glfw.KEY_KP_9:
        return Key(Action.CHOOSE_BESIDE if control else Action.CHOOSE_LAYER, key - glfw.KEY_KP_0)
    if control:  # Ctrl-A and the like are for text
        again = key == glfw.KEY_Z and mods & glfw.MOD_SHIFT
        return Key(Action.REDO if again else _CONTROLLED[key]) if key in _CONTROLLED else None
    if key not in _ACTIONS:
        return None
    action = _ACTIONS[key]
    back = key == glfw.KEY_COMMA or (mods & glfw.MOD_SHIFT and action in _WALKS)
    return Key(action, -1 if back else 0)


def _screen_of(monitor: Any) -> Box:
    """Return left, top, width and height of a monitor, in screen units."""
    size = glfw.get_video_mode(monitor).size
    return *glfw.get_monitor_pos(monitor), size.width, size.height


def most_on(window: Box, screens: Sequence[Box]) -> int:
    """Return the index of the screen that has most of a window; the first one if none has any of it."""
    return max(range(len(screens)), key=lambda index: _common_area(window, screens[index]))


def _common_area(one: Box, other: Box) -> int:
    sides = [
        min(one[axis] + one[axis + 2], other[axis] + other[axis + 2]) - max(one[axis], other[axis])
        for axis in (0, 1)
    ]
    return max(sides[0], 0) * max(sides[1], 0)


class WindowDisplay(Display):
    """A resizable window; pictures are copied to it pixel by pixel.

    vsync: whether `present` waits for the screen. Raises UsageError if no window with OpenGL 4.3 can be
    opened.
    """

    def __init__(self, size_px: tuple[int, int], title: str, *, vsync: bool) -> None:
        glfw.ERROR_REPORTING = "ignore"  # the messages below say more
        if not glfw.init():
            raise UsageError("no window can be opened: GLFW finds no display", "run with --headless")
        try:
            self._open(size_px, title, vsync)
        except BaseException:
            glfw.terminate()
            raise
        self._events: list[Event] = []
        self._pointer = (0.0, 0.0)
        self._windowed: tuple[int, int, int, int] | None = None
        glfw.set_key_callback(self._window, self._on_key)
        glfw.set_char_callback(self._window, lambda _, code: self._events.append(Text(chr(code))))
        glfw.set_mouse_button_callback(self._window, self._on_button)
        glfw.set_cursor_pos_callback(self._window, self._on_move)
        glfw.set_scroll_callback(self._window, self._on_scroll)
        glfw.set_window_close_callback(self._window, lambda _: self._events.append(Close()))

    def _open(self, size_px: tuple[int, int], title: str, vsync: bool) -> None:
        glfw.window_hint(glfw.CONTEXT_VERSION_MAJOR, REQUIRED // 100)
        glfw.window_hint(glfw.CONTEXT_VERSION_MINOR, REQUIRED // 10 % 10)
        glfw.window_hint(glfw.OPENGL_PROFILE, glfw.OPENGL_CORE_PROFILE)
        glfw.window_hint(glfw.SCALE_TO_MONITOR, True)
        let_go_of_headless_contexts()
        self._window = glfw.create_window(*size_px, title, None, None)
        if not self._window:
            raise UsageError(
                "no window with OpenGL 4.3 can be opened here",
                "run with --headless, or see `valuescape doctor`",
            )
        glfw.make_context_current(self._window)
        glfw.swap_interval(1 if vsync else 0)
        self.gl: Any = prepare(moderngl.create_context(require=REQUIRED))
        self._bind_framebuffer = _gl_function("glBindFramebuffer", 2)
        self._blit_framebuffer = _gl_function("glBlitFramebuffer", 10)

    def _do_size_px(self) -> tuple[int, int]:
        width, height = glfw.get_framebuffer_size(self._window)
        return width, height

    @property
    def pixel_scale(self) -> float:
        """Framebuffer pixels per logical pixel, of the monitor that the window is on."""
        return float(glfw.get_window_content_scale(self._window)[0])

    def _do_poll(self) -> list[Event]:
        glfw.poll_events()
        events, self._events = self._events, []
        return events

    def _do_present(self, picture: Any, panel: Any) -> None:
        """Copy panel and picture to the window, and wait for the screen with vsync."""
        left = 0
        for part in (panel, picture):
            if part is not None:
                self._blit(part, left)
                left += part.size[0]
        picture.use()
        glfw.swap_buffers(self._window)

    def _blit(self, part: Any, left: int) -> None:
        """Copy a framebuffer to the window, its left edge at `left`, pixel by pixel."""
        width, height = part.size
        part.use()
        self._bind_framebuffer(_DRAW_FRAMEBUFFER, 0)
        self._blit_framebuffer(
            0, 0, width, height, left, 0, left + width, height, _COLOR_BUFFER_BIT, _NEAREST
        )

    def wait(self, seconds: float) -> None:
        """Wait for an event, about so long at most."""
        glfw.wait_events_timeout(seconds)

    def resize(self, size_px: tuple[int, int]) -> None:
        """Ask the window system for another size; it may take a while, or give another one."""
        ratio = self._pixels_per_unit() or 1.0
        glfw.set_window_size(self._window, *(round(each / ratio) for each in size_px))

    def toggle_full_screen(self) -> None:
        """Fill the monitor that most of the window is on, or go back to the place and size before."""
        if self._windowed:
            x, y, width, height = self._windowed
            self._windowed = None
            glfw.set_window_monitor(self._window, _NONE, x, y, width, height, glfw.DONT_CARE)
            return
        monitors = glfw.get_monitors()
        if not monitors:
            return
        window = *glfw.get_window_pos(self._window), *glfw.get_window_size(self._window)
        screens = [_screen_of(each) for each in monitors]
        most = most_on(window, screens)
        self._windowed = window
        refresh_rate = glfw.get_video_mode(monitors[most]).refresh_rate
        glfw.set_window_monitor(self._window, monitors[most], *screens[most], refresh_rate)

    def copy(self, text: str) -> None:
        """Put a text on the clipboard of the window system."""
        glfw.set_clipboard_string(_NONE, text)

    def paste(self) -> str:
        """Return the text that any program copied last; "" if there is none."""
        text: Any = glfw.get_clipboard_string(_NONE) or b""
        return str(text, errors="replace")

    def _do_release(self) -> None:
        self.gl.release()
        glfw.destroy_window(self._window)
        glfw.terminate()

    def _on_key(self, _window: Any, key: int, code: int, action: int, mods: int) -> None:
        key = _of_layout(key, code)
        if key in _EDITS:
            self._events.append(Edit(_EDITS[key], action != glfw.RELEASE))
        if action not in (glfw.PRESS, glfw.REPEAT):
            return
        if (meant := meaning(key, mods)) is not None:
            self._events.append(meant)

    def _on_button(self, _window: Any, button: int, action: int, mods: int) -> None:
        if button not in _BUTTONS:
            return
        if action == glfw.PRESS:
            shift = bool(mods & glfw.MOD_SHIFT)
            self._events.append(Press(_BUTTONS[button], *self._pointer, shift=shift))
        else:
            self._events.append(Release(_BUTTONS[button], *self._pointer))

    def _on_move(self, _window: Any, x: float, y: float) -> None:
        ratio = self._pixels_per_unit()
        self._pointer = (x * ratio, y * ratio)
        self._events.append(Move(*self._pointer))

    def _on_scroll(self, _window: Any, _x: float, y: float) -> None:
        self._events.append(Scroll(y, *self._pointer))

    def _pixels_per_unit(self) -> float:
        """Return the framebuffer pixels in a unit that windows and pointers are measured in.

        More than 1 on some high-DPI systems, 0 while the window is minimised.
        """
        return float(self._do_size_px()[0] / max(glfw.get_window_size(self._window)[0], 1))
