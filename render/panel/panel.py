"""The panel beside the picture, made with Dear ImGui: its framebuffer, and the events that are for it."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import matplotlib
from imgui_bundle import imgui

from valuescape.render.displays.display import Display
from valuescape.render.displays.events import (
    Action,
    Button,
    Edit,
    Event,
    Key,
    Move,
    Press,
    Release,
    Scroll,
    Text,
)
from valuescape.render.overlay.labels import FONT_PX
from valuescape.render.panel.contents import Contents
from valuescape.render.panel.imgui_renderer import ImguiRenderer
from valuescape.render.panel.standing import Standing
from valuescape.render.scene.target import ColorTarget
from valuescape.render.view.changes import Change
from valuescape.render.view.viewer import Viewer

WIDTH_PX = 300
"""Width of the panel, logical pixels; the picture has the rest of the window."""

_BACKGROUND = (0.09, 0.10, 0.125)
_FRAME = (0.17, 0.19, 0.23)
_LEAST_PICTURE_PX = 320
_BUTTONS = {Button.LEFT: 0, Button.RIGHT: 1}
_KEYS: dict[str, Any] = {
    "backspace": imgui.Key.backspace,
    "delete": imgui.Key.delete,
    "enter": imgui.Key.enter,
    "left": imgui.Key.left_arrow,
    "right": imgui.Key.right_arrow,
    "home": imgui.Key.home,
    "end": imgui.Key.end,
    "up": imgui.Key.up_arrow,
    "down": imgui.Key.down_arrow,
    "tab": imgui.Key.tab,
    "escape": imgui.Key.escape,
    "ctrl": imgui.Key.mod_ctrl,
    "shift": imgui.Key.mod_shift,
    **{letter: getattr(imgui.Key, letter) for letter in "acvxyz"},
}


class Panel:
    """The panel: draws itself into `picture`, a framebuffer as high as the window, and returns changes.

    It takes the events that are meant for it: those over it, and keys while a number is typed.
    """

    def __init__(self, display: Display, text: float = 1.0) -> None:
        """display: lends its context and its clipboard. text: size of text and widgets; 1 as usual."""
        self._scale = display.pixel_scale * text
        self._target = ColorTarget(display.gl)
        self._context = imgui.create_context()
        self._enter()
        _set_up(display, self._scale)
        self._renderer = ImguiRenderer(display.gl)
        self._contents = Contents()

    @property
    def picture(self) -> Any:
        """The framebuffer; None before it is drawn for the first time."""
        return self._target.picture

    def width_px(self, window_px: tuple[int, int]) -> int:
        """Return how much of a window's width the panel takes, pixels; 0 if the window is too narrow."""
        width = round(WIDTH_PX * self._scale)
        return width if window_px[0] - width >= _LEAST_PICTURE_PX * self._scale else 0

    def take(self, events: Iterable[Event]) -> list[Event]:
        """Take the events that are for the panel; return the others, in pixels of the picture."""
        self._enter()
        left = 0 if self.picture is None else self.picture.size[0]
        others = (
            _take_pointer(event, left) if isinstance(event, _OF_POINTER) else _take_key(event)
            for event in events
        )
        return [event for event in others if event is not None]

    def let_go(self) -> None:
        """Forget which keys and buttons are held: their release may have gone unseen."""
        self._enter()
        io = imgui.get_io()
        io.clear_events_queue()
        io.clear_input_keys()
        io.clear_input_mouse()

    def draw(
        self, size_px: tuple[int, int], elapsed_s: float, viewer: Viewer, standing: Standing
    ) -> list[Change]:
        """Draw into `picture`, made `size_px` large; return the changes that a person made.

        elapsed_s: time since the last call, seconds.
        """
        self._enter()
        self._target.resize(size_px)
        io = imgui.get_io()
        io.display_size = imgui.ImVec2(*size_px)
        io.delta_time = max(elapsed_s, 1e-4)
        changes = self._lay_out(size_px, viewer, standing)
        self.picture.use()
        self.picture.clear(*_BACKGROUND, 1.0)
        self._renderer.draw(imgui.get_draw_data(), size_px)
        return changes

    def _lay_out(self, size_px: tuple[int, int], viewer: Viewer, standing: Standing) -> list[Change]:
        """Let ImGui decide what is where; return the changes."""
        imgui.new_frame()
        imgui.set_next_window_pos((0, 0))
        imgui.set_next_window_size(size_px)
        flags = imgui.WindowFlags_
        imgui.begin("Valuescape", None, flags.no_decoration & ~flags.no_scrollbar | flags.no_move)
        changes = self._contents.draw(viewer, standing)
        imgui.end()
        imgui.render()
        return changes

    def release(self) -> None:
        """Free the framebuffer, the renderer and the ImGui context."""
        self._enter()
        self._target.release()
        self._renderer.release()
        imgui.destroy_context(self._context)

    def _enter(self) -> None:
        imgui.set_current_context(self._context)


_OF_POINTER = Move | Press | Release | Scroll


def _set_up(display: Display, scale: float) -> None:
    """Give the current ImGui context its font, style and clipboard. scale: pixels a logical pixel."""
    io = imgui.get_io()
    io.set_ini_filename("")  # no file is left in the current folder
    platform = imgui.get_platform_io()
    platform.platform_set_clipboard_text_fn = lambda _context, text: display.copy(text)
    platform.platform_get_clipboard_text_fn = lambda _context: display.paste()
    font = f"{matplotlib.get_data_path()}/fonts/ttf/DejaVuSans.ttf"
    io.fonts.add_font_from_file_ttf(font, FONT_PX * scale)
    style = imgui.get_style()
    style.scale_all_sizes(scale)
    style.window_border_size = 0
    style.set_color_(imgui.Col_.window_bg, imgui.ImVec4(*_BACKGROUND, 1.0))
    style.set_color_(imgui.Col_.frame_bg, imgui.ImVec4(*_FRAME, 1.0))


def _take_pointer(event: Move | Press | Release | Scroll, left: float) -> Event | None:
    """Tell ImGui of an event of the pointer; return it in pixels of the picture, None if it is the panel's.

    left: where the picture begins. The picture is told of moves and releases over the panel too.
    """
    io, over_panel = imgui.get_io(), event.x < left
    match event:
        case Move(x, y):
            io.add_mouse_pos_event(x, y)
        case Release(button):
            io.add_mouse_button_event(_BUTTONS[button], False)
        case Press(button) if over_panel:
            io.add_mouse_button_event(_BUTTONS[button], True)
            return None
        case Scroll(steps) if over_panel:
            io.add_mouse_wheel_event(0.0, steps)
            return None
    return replace(event, x=event.x - left)


def _take_key(event: Event) -> Event | None:
    """Tell ImGui of a key or a character; return it for the picture, None if it is the panel's."""
    io = imgui.get_io()
    match event:
        case Text(character):
            io.add_input_character(ord(character))
        case Edit("tab", _) if not io.want_text_input:
            pass  # hides the panel; ImGui would go to its first field
        case Edit(name, down):
            io.add_key_event(_KEYS[name], down)
        case Key(Action.BACK) if imgui.is_popup_open("", imgui.PopupFlags_.any_popup):
            imgui.internal.close_popup_to_level(0, True)
        case Key(action) if action is not Action.QUIT and io.want_text_input:
            pass  # it is typed, or leaves the field
        case _:
            return event
    return None
