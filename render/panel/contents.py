"""What is in the panel: what may be changed, and how the run stands. Dear ImGui's widgets, and no OpenGL."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from imgui_bundle import imgui

from valuescape.gpu.layers.registry import MAPS
from valuescape.render.panel.changes import Change, Restart, Set, Slice, Standing
from valuescape.render.panel.tips import Tips
from valuescape.render.scene.colormaps import AUTO, DIVERGING, SEQUENTIAL
from valuescape.render.view.viewer import Request, Viewer


class Contents:
    """The panel's sections, and the settings in it that a person has not yet begun anew with."""

    def __init__(self) -> None:
        self._draft: dict[str, Any] = {}
        self._changes: list[Change] = []
        self._tips = Tips()
        self.tip = ""  # what is said of the widget under the pointer

    def draw(self, viewer: Viewer, standing: Standing) -> list[Change]:
        """Put all widgets into the window that is open; returns the changes that are not the viewer's."""
        self._changes = []
        sections: tuple[tuple[str, Callable[[], None]], ...] = (
            ("Run", lambda: self._run(standing)),
            ("View", lambda: self._view(viewer)),
            ("Fields", lambda: self._fields(viewer)),
            ("Trails and agents", lambda: self._trails(viewer, standing)),
            ("Axes and slice", lambda: self._slice(standing)),
            ("Effects", lambda: self._effects(viewer)),
            ("Health", lambda: self._health(standing)),
        )
        for name, section in sections:
            if name == "Axes and slice" and len(standing.plane.world.state) <= 2:
                continue
            imgui.push_id(name)  # what is named alike in two sections is not the same widget
            if imgui.collapsing_header(name, imgui.TreeNodeFlags_.default_open):
                section()
            imgui.pop_id()
        self.tip = self._tips.show()
        return self._changes

    def _run(self, standing: Standing) -> None:
        for request in (Request.PAUSE, Request.STEP, Request.SCREENSHOT):
            name = "go on" if request is Request.PAUSE and standing.paused else request.value
            if imgui.button(name):
                self._changes.append(request)
            imgui.same_line()
        imgui.new_line()
        shown = standing.ticks_per_s or 1e4
        changed, rate = _slider("ticks/s", shown, 1, 1e4, "%.0f", imgui.SliderFlags_.logarithmic)
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
        # The draft stays: what has come true leaves it, and what was cancelled or refused is not lost.
        changes = dict(self._draft)
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
        for name, flat in (("map", True), ("height field", False)):
            if imgui.radio_button(name, viewer.flat == flat):
                viewer.flat = flat
            imgui.same_line()
        imgui.new_line()
        _, viewer.layer = _pick("layer", viewer.layer, MAPS.names)
        if imgui.button("fit to the agents"):
            self._changes.append(Request.FIT)
        _, viewer.turn_deg_per_s = _slider("turning", viewer.turn_deg_per_s, -30, 30, "%.0f°/s")
        _, viewer.help_shown = imgui.checkbox("help", viewer.help_shown)
        imgui.same_line()
        _, viewer.profile_shown = imgui.checkbox("frame costs", viewer.profile_shown)

    def _fields(self, viewer: Viewer) -> None:
        looks, maps = viewer.looks, (*SEQUENTIAL, *DIVERGING)
        _, opacity = _slider("opacity", looks.surface_opacity, 0, 1, "%.2f")
        _, value = _pick("value", looks.value_colormap, (AUTO, *maps))
        _, density = _pick("density", looks.density_colormap, maps)
        clamped = imgui.SliderFlags_.always_clamp
        _, contours = imgui.slider_int("contours", looks.contours, 0, 40, "%d", clamped)
        low, high = _end("low end", looks.value_low), _end("high end", looks.value_high)
        if low is not None and high is not None and not low < high:
            low, high = looks.value_low, looks.value_high
        viewer.looks = replace(
            looks,
            surface_opacity=opacity,
            value_colormap=value,
            density_colormap=density,
            contours=contours,
            value_low=low,
            value_high=high,
        )

    def _trails(self, viewer: Viewer, standing: Standing) -> None:
        looks = viewer.looks
        _, viewer.trail_color = _pick("colour", viewer.trail_color, viewer.trail_colors)
        _, opacity = _slider("opacity", looks.trail_opacity, 0, 1, "%.2f")
        _, width = _slider("width", looks.trail_width_px, 0.5, 8, "%.1f px")
        _, agents = _slider("agents", looks.agent_opacity, 0, 1, "%.2f")
        _, size = _slider("size", looks.agent_size_px, 2, 24, "%.0f px")
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
                imgui.push_id(index)
                changed, values[index] = _slider(
                    variable.name, values[index], variable.low, variable.high, "%.3g"
                )
                imgui.pop_id()
                moved = moved or changed
        imgui.end_disabled()
        if moved:
            self._changes.append(Slice(tuple(values)))

    def _effects(self, viewer: Viewer) -> None:
        _, glow = _slider("glow", viewer.looks.glow, 0, 2, "%.2f")
        _, soft = imgui.checkbox("tone mapping", viewer.looks.tone_mapping)
        viewer.looks = replace(viewer.looks, glow=glow, tone_mapping=soft)

    def _health(self, standing: Standing) -> None:
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


def _slider(
    label: str, value: float, low: float, high: float, form: str, flags: int = 0
) -> tuple[bool, float]:
    """Let a person move a number between two bounds, or type it (Ctrl and click); it stays within."""
    clamped = flags | imgui.SliderFlags_.always_clamp
    changed, moved = imgui.slider_float(label, value, low, high, form, clamped)
    return changed, moved if changed else value  # ImGui's numbers are shorter


def _pick(label: str, now: str, names: Sequence[str]) -> tuple[bool, str]:
    changed, index = imgui.combo(label, list(names).index(now), list(names))
    return changed, names[index]


def _end(label: str, value: float | None) -> float | None:
    """Let a person keep an end of a scale where it is, or have it follow the field."""
    _, kept = imgui.checkbox(f"##keep {label}", value is not None)
    imgui.same_line()
    imgui.begin_disabled(not kept)
    changed, number = imgui.drag_float(label, value or 0.0, 0.5, format="%.4g")
    imgui.end_disabled()
    if not kept:
        return None
    return number if changed or value is None else value
