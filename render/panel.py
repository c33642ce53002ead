"""The panel beside the picture, with Dear ImGui: what may be changed, and how the run stands."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import matplotlib
import numpy as np
from imgui_bundle import imgui

from gpu.source import LAYERS
from render.changes import Change, Restart, Set, Slice, Standing
from render.colormaps import DIVERGING, SEQUENTIAL
from render.events import Button, Edit, Event, Move, Press, Release, Scroll, Text
from render.imgui_renderer import ImguiRenderer
from render.labels import FONT_PX
from render.viewer import Request, Viewer

WIDTH_PX = 300
"""Of the panel, in logical pixels; the picture has the rest of the window."""

_BACKGROUND = (0.09, 0.10, 0.125)
_FRAME = (0.17, 0.19, 0.23)
_LEAST_PICTURE_PX = 320
_BUTTONS = {Button.LEFT: 0, Button.RIGHT: 1}
_KEYS = {
    "backspace": imgui.Key.backspace,
    "delete": imgui.Key.delete,
    "enter": imgui.Key.enter,
    "left": imgui.Key.left_arrow,
    "right": imgui.Key.right_arrow,
    "home": imgui.Key.home,
    "end": imgui.Key.end,
}


class Panel:
    """Draws itself into `picture`, a framebuffer as high as the window, and says what a person changed.

    It takes the events that are meant for it: those over it, and keys while a number is typed.
    """

    def __init__(self, gl: Any, scale: float) -> None:
        self._gl, self._scale = gl, scale
        self.picture: Any = None
        self._color: Any = None
        self._context = imgui.create_context()
        self._enter()
        io = imgui.get_io()
        io.set_ini_filename("")  # nothing is left in the folder where somebody happens to be
        font = f"{matplotlib.get_data_path()}/fonts/ttf/DejaVuSans.ttf"
        io.fonts.add_font_from_file_ttf(font, FONT_PX * scale)
        style = imgui.get_style()
        style.scale_all_sizes(scale)
        style.window_border_size = 0
        style.set_color_(imgui.Col_.window_bg, imgui.ImVec4(*_BACKGROUND, 1.0))
        style.set_color_(imgui.Col_.frame_bg, imgui.ImVec4(*_FRAME, 1.0))
        self._renderer = ImguiRenderer(gl)
        self._draft: dict[str, Any] = {}
        self._changes: list[Change] = []

    def width_px(self, window_px: tuple[int, int]) -> int:
        """Return how much of a window of this size the panel takes: nothing of one that is too narrow."""
        width = round(WIDTH_PX * self._scale)
        return width if window_px[0] - width >= _LEAST_PICTURE_PX * self._scale else 0

    def take(self, events: Iterable[Event]) -> list[Event]:
        """Take the events that are for the panel; returns the others, moved to where the picture begins."""
        self._enter()
        io, left = imgui.get_io(), 0 if self.picture is None else self.picture.size[0]
        others: list[Event] = []
        for event in events:
            match event:
                case Move(x, y):
                    io.add_mouse_pos_event(x, y)
                    others.append(Move(x - left, y))
                case Press(button, x, y) if x < left:
                    io.add_mouse_button_event(_BUTTONS[button], True)
                case Press(button, x, y):
                    others.append(replace(event, x=x - left))
                case Release(button, x, y):
                    io.add_mouse_button_event(_BUTTONS[button], False)
                    others.append(Release(button, x - left, y))
                case Scroll(steps, x, y) if x < left:
                    io.add_mouse_wheel_event(0.0, steps)
                case Scroll(steps, x, y):
                    others.append(Scroll(steps, x - left, y))
                case Text(character):
                    io.add_input_character(ord(character))
                case Edit(name, down):
                    io.add_key_event(_KEYS[name], down)
                case _ if not io.want_text_input:
                    others.append(event)
        return others

    def draw(
        self, size_px: tuple[int, int], elapsed_s: float, viewer: Viewer, standing: Standing
    ) -> list[Change]:
        """Draw into `picture`, made `size_px` large; returns the changes that are not the viewer's."""
        self._enter()
        self._resize(size_px)
        io = imgui.get_io()
        io.display_size = imgui.ImVec2(*size_px)
        io.delta_time = max(elapsed_s, 1e-4)
        self._changes = []
        imgui.new_frame()
        imgui.set_next_window_pos((0, 0))
        imgui.set_next_window_size(size_px)
        flags = imgui.WindowFlags_
        imgui.begin("Valuescape", None, flags.no_decoration & ~flags.no_scrollbar | flags.no_move)
        imgui.push_item_width(-0.42 * size_px[0])
        self._run(standing)
        self._view(viewer)
        self._fields(viewer)
        self._trails(viewer, standing)
        self._slice(standing)
        self._effects(viewer)
        self._health(standing)
        imgui.pop_item_width()
        imgui.end()
        imgui.render()
        self.picture.use()
        self.picture.clear(*_BACKGROUND, 1.0)
        self._renderer.draw(imgui.get_draw_data(), size_px)
        return self._changes

    def release(self) -> None:
        """Free what was made."""
        self._enter()
        self._release_picture()
        self._renderer.release()
        imgui.destroy_context(self._context)

    def _enter(self) -> None:
        imgui.set_current_context(self._context)

    def _resize(self, size_px: tuple[int, int]) -> None:
        if self.picture is not None and self.picture.size == size_px:
            return
        self._release_picture()
        self._color = self._gl.texture(size_px, 4)
        self.picture = self._gl.framebuffer([self._color])

    def _release_picture(self) -> None:
        if self.picture is not None:
            self._gl.detect_framebuffer(0).use()
            self.picture.release()
            self._color.release()

    def _run(self, standing: Standing) -> None:
        if not _section("Run"):
            return
        for request in (Request.PAUSE, Request.STEP, Request.SCREENSHOT):
            name = "go on" if request is Request.PAUSE and standing.paused else request.value
            if imgui.button(name):
                self._changes.append(request)
            imgui.same_line()
        imgui.new_line()
        flags = imgui.SliderFlags_.logarithmic
        changed, rate = imgui.slider_float("ticks/s", standing.ticks_per_s or 1e4, 1, 1e4, "%.0f", flags)
        if changed:
            self._changes.append(Set("sim.ticks_per_s", rate))
        self._drafts(standing)

    def _drafts(self, standing: Standing) -> None:
        """Settings that take a new run, and the button that begins it."""
        config = standing.config
        worlds = list(dict.fromkeys([config.world.name, *standing.worlds]))
        self._keep(
            "world.name", config.world.name, self._choice("world", "world.name", config.world.name, worlds)
        )
        for label, name, now in (
            ("agents", "agents.count", config.agents.count),
            ("workers", "workers.count", standing.workers),
            ("seed", "run.seed", config.run.seed),
            ("trail length", "trails.length", config.trails.length),
        ):
            _, value = imgui.input_int(label, self._draft.get(name, now))
            self._keep(name, now, max(value, 0))
        imgui.begin_disabled(not self._draft)
        if imgui.button("restart with these"):
            self._restart()
        imgui.end_disabled()
        imgui.same_line()
        if imgui.button("restart"):
            self._draft = {}
            self._restart()

    def _restart(self) -> None:
        changes, self._draft = self._draft, {}
        if "world.name" in changes:  # what was meant for another world
            changes |= {"heatmap.axes": "auto", "heatmap.slice": "", "policy.checkpoint": "auto"}
        self._changes.append(Restart(changes))

    def _choice(self, label: str, name: str, now: str, names: Sequence[str]) -> str:
        _, index = imgui.combo(label, names.index(self._draft.get(name, now)), list(names))
        return names[index]

    def _keep(self, name: str, now: Any, wanted: Any) -> None:
        """Remember a setting that is to change, forget one that is not."""
        self._draft.pop(name, None)
        if wanted != now:
            self._draft[name] = wanted

    def _view(self, viewer: Viewer) -> None:
        if not _section("View"):
            return
        for name, flat in (("map", True), ("height field", False)):
            if imgui.radio_button(name, viewer.flat == flat):
                viewer.flat = flat
            imgui.same_line()
        imgui.new_line()
        _, viewer.layer = _pick("layer", viewer.layer, LAYERS)
        if imgui.button("fit to the agents"):
            self._changes.append(Request.FIT)
        _, viewer.turn_deg_per_s = imgui.slider_float("turning", viewer.turn_deg_per_s, -30, 30, "%.0f°/s")
        _, viewer.help_shown = imgui.checkbox("help", viewer.help_shown)
        imgui.same_line()
        _, viewer.profile_shown = imgui.checkbox("frame costs", viewer.profile_shown)

    def _fields(self, viewer: Viewer) -> None:
        if not _section("Fields"):
            return
        looks, maps = viewer.looks, (*SEQUENTIAL, *DIVERGING)
        _, opacity = imgui.slider_float("opacity##fields", looks.surface_opacity, 0, 1, "%.2f")
        _, value = _pick("value", looks.value_colormap, maps)
        _, density = _pick("density", looks.density_colormap, maps)
        _, contours = imgui.slider_int("contours", looks.contours, 0, 40)
        viewer.looks = replace(
            looks,
            surface_opacity=opacity,
            value_colormap=value,
            density_colormap=density,
            contours=contours,
            value_low=_end("low end", looks.value_low),
            value_high=_end("high end", looks.value_high),
        )

    def _trails(self, viewer: Viewer, standing: Standing) -> None:
        if not _section("Trails and agents"):
            return
        looks = viewer.looks
        _, viewer.trail_color = _pick("colour", viewer.trail_color, viewer.trail_colors)
        _, opacity = imgui.slider_float("opacity##trails", looks.trail_opacity, 0, 1, "%.2f")
        _, width = imgui.slider_float("width", looks.trail_width_px, 0.5, 8, "%.1f px")
        _, agents = imgui.slider_float("agents", looks.agent_opacity, 0, 1, "%.2f")
        _, size = imgui.slider_float("size", looks.agent_size_px, 2, 24, "%.0f px")
        _, ends = imgui.checkbox("mark ends of episodes", looks.end_marks)
        viewer.looks = replace(
            looks,
            trail_opacity=opacity,
            trail_width_px=width,
            agent_opacity=agents,
            agent_size_px=size,
            end_marks=ends,
        )
        self._budget(standing.segment_budget)

    def _budget(self, now: int) -> None:
        """now: segments; 0 is no limit, -1 follows the frame time."""
        names = ("follows the frame time", "no limit", "at most")
        changed, index = imgui.combo("segments", min(now, 1) + 1 if now < 1 else 2, list(names))
        if changed:
            self._changes.append(Set("lod.segment_budget", ("auto", 0, 100_000)[index]))
        if now > 0:
            changed, most = imgui.input_int("at most", now, 1000, 10_000)
            if changed:
                self._changes.append(Set("lod.segment_budget", max(most, 1)))

    def _slice(self, standing: Standing) -> None:
        """The axes, and the values of the other state variables, in worlds that have some."""
        plane = standing.plane
        state = plane.world.state
        if len(state) <= 2 or not _section("Axes and slice"):
            return
        names = [variable.name for variable in state]
        axes = [names[axis] for axis in plane.axes]
        wanted = [
            _pick(label, name, names)[1] for label, name in zip(("along x", "along y"), axes, strict=True)
        ]
        if wanted != axes and wanted[0] != wanted[1]:
            self._changes.append(Restart({"heatmap.axes": ", ".join(wanted), "heatmap.slice": ""}))
        imgui.begin_disabled(not standing.sliced)
        values, moved = list(plane.values), False
        for index, variable in enumerate(state):
            if index not in plane.axes:
                changed, values[index] = imgui.slider_float(
                    variable.name, values[index], variable.low, variable.high, "%.3g"
                )
                moved = moved or changed
        imgui.end_disabled()
        if moved:
            self._changes.append(Slice(tuple(values)))

    def _effects(self, viewer: Viewer) -> None:
        if not _section("Effects"):
            return
        _, glow = imgui.slider_float("glow", viewer.looks.glow, 0, 2, "%.2f")
        _, soft = imgui.checkbox("tone mapping", viewer.looks.tone_mapping)
        viewer.looks = replace(viewer.looks, glow=glow, tone_mapping=soft)

    def _health(self, standing: Standing) -> None:
        if not _section("Health"):
            return
        for name, measured, limit, kept in standing.limits:
            color = (
                (0.6, 0.6, 0.6, 1) if kept is None else (0.5, 0.85, 0.5, 1) if kept else (1, 0.55, 0.35, 1)
            )
            value = "–" if kept is None else f"{measured:.2f}"
            imgui.text_colored(color, f"{value} of {limit:g}: {name}")
        if standing.busy_ms:
            values = np.array(standing.busy_ms, np.float32)
            most = max(2 * standing.may_take_ms, float(values.max()))
            label = f"{values[-1]:.1f} ms of {standing.may_take_ms:.1f}"
            imgui.plot_lines("##busy", values, 0, label, 0.0, most, (imgui.get_content_region_avail().x, 60))


def _section(name: str) -> bool:
    return bool(imgui.collapsing_header(name, imgui.TreeNodeFlags_.default_open))


def _pick(label: str, now: str, names: Sequence[str]) -> tuple[bool, str]:
    changed, index = imgui.combo(label, list(names).index(now), list(names))
    return changed, names[index]


def _end(label: str, value: float | None) -> float | None:
    """Let a person keep an end of a scale where it is, or have it follow the field."""
    _, kept = imgui.checkbox(f"##keep {label}", value is not None)
    imgui.same_line()
    imgui.begin_disabled(not kept)
    _, number = imgui.drag_float(label, value or 0.0, 0.5, format="%.4g")
    imgui.end_disabled()
    return number if kept else None
