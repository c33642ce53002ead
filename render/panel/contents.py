"""The contents of the panel: a widget for each setting that declares one, and those that change no setting.

Settings and their widgets come from the configuration's fields (`valuescape.sim.config.setting.Panel`). What
is written here is the rest: buttons, the state of the run, and the settings whose choices the run decides.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from imgui_bundle import imgui

from valuescape.render.panel.plugin_sections import draw_sections
from valuescape.render.panel.standing import Standing
from valuescape.render.panel.tips import Tips
from valuescape.render.panel.widgets import Option, pick, pick_option, radio, setting_widget, slider
from valuescape.render.view.changes import Change, GoTo, Request, Restart, Set, Slice
from valuescape.render.view.choosing import MapChoice
from valuescape.render.view.viewer import Viewer
from valuescape.sim.config.model import Config, SettingField, settings_of
from valuescape.sim.config.setting import Group, Live
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.training_files import Place

Item = Callable[[Viewer, Standing], None]
"""Draws one row of the panel, or several; changes are kept in `Contents`."""

_GOOD, _BAD, _UNKNOWN = (0.5, 0.85, 0.5, 1), (1, 0.55, 0.35, 1), (0.6, 0.6, 0.6, 1)
_BUDGETS = ("follows the frame time", "no limit", "at most")
_FINDINGS = 8
"""Findings that are listed."""

_FIRST_BUDGET = 100_000
"""Segments, when a limit is chosen."""


_CHOICES: dict[str, Callable[[Viewer], Sequence[str]]] = {
    "trails.color_by": lambda viewer: viewer.trail_colors,  # some need a critic
}
"""The words to choose from, where they are not those that the setting's type declares."""


class Contents:
    """Draws the panel's widgets, and keeps the settings that wait for a restart.

    tip: the text about the widget under the pointer.
    """

    def __init__(self) -> None:
        self._draft: dict[str, Any] = {}
        self._changes: list[Change] = []
        self._items: dict[Group, list[Item]] = {}
        self._settings: dict[str, SettingField] = {}
        self._tips = Tips()
        self._place_wanted: Place | None = None
        self.tip = ""

    def draw(self, viewer: Viewer, standing: Standing) -> list[Change]:
        """Draw all widgets into the window that is open; return the changes that a person made.

        What is no setting of a configuration (help, frame costs, opacity of agents) is changed in the viewer.
        """
        self._changes = []
        self._take_settings(type(standing.config))
        for group in Group:
            if group is Group.SLICE and len(standing.plane.world.state) <= 2:
                continue
            imgui.push_id(group.value)  # so that equal labels in two groups are different widgets
            if imgui.collapsing_header(group.value, imgui.TreeNodeFlags_.default_open):
                for item in self._items[group]:
                    item(viewer, standing)
            imgui.pop_id()
        self._changes += draw_sections(standing.sections)
        self.tip = self._tips.show(self._settings)
        return self._changes

    def _take_settings(self, config: type[Config]) -> None:
        """Put the settings of a class of configurations and all other items into their order."""
        if self._settings is settings_of(config):
            return
        self._settings = settings_of(config)
        placed = [(group, place, item) for (group, place), item in self._others().items()]
        placed += [
            (panel.group, panel.place, self._item_of(setting))
            for setting in self._settings.values()
            if (panel := setting.declared.panel)
        ]
        placed.sort(key=lambda each: each[:2])
        self._items = {group: [item for at, _, item in placed if at is group] for group in Group}

    def _others(self) -> dict[tuple[Group, int], Item]:
        """Return the items that change no setting of a configuration, by their place."""
        return {
            (Group.RUN, 0): self._run_buttons,
            (Group.RUN, 7): self._restart_buttons,
            (Group.RUN, 1): self._place,
            (Group.VIEW, 5): self._fit_button,
            (Group.VIEW, 7): self._view_switches,
            (Group.INSIGHT, 7): self._findings,
            (Group.TRAILS, 4): self._agent_opacity,
            (Group.SLICE, 2): self._slice,
            (Group.HEALTH, 1): self._limits,
            (Group.HEALTH, 2): self._frame_times,
        }

    def _item_of(self, setting: SettingField) -> Item:
        """Return what draws a setting: by its declaration, or by a method where the run decides more."""
        special: dict[str, Callable[[SettingField, Viewer, Standing], None]] = {
            "sim.ticks_per_s": self._rate,
            "world.name": self._world,
            "workers.count": self._workers,
            "heatmap.axes": self._axes,
            "heatmap.layer": self._map,
            "heatmap.beside": self._map,
            "render.view": self._projection,
            "lod.segment_budget": self._budget,
        }
        plain = self._live if setting.declared.live else self._drafted
        return partial(special.get(setting.name, plain), setting)

    def _live(self, setting: SettingField, viewer: Viewer, standing: Standing) -> None:
        """Draw a setting that changes at once."""
        is_run = setting.declared.live is Live.RUN
        now = standing.live[setting.name] if is_run else viewer.value(setting.name)
        words = _CHOICES[setting.name](viewer) if setting.name in _CHOICES else ()
        self._set(setting, viewer, *setting_widget(setting, now, words))

    def _set(self, setting: SettingField, viewer: Viewer, changed: bool, value: Any) -> None:
        """Note a change, unless the value does not fit, as a number may that is half typed."""
        if not changed:
            return
        if setting.declared.live is Live.LOOKS:
            try:
                viewer.looks.having(setting.name, value)
            except UsageError:
                return
        self._changes.append(Set(setting.name, value))

    def _drafted(self, setting: SettingField, viewer: Viewer, standing: Standing) -> None:
        """Draw a setting that waits for a restart."""
        self._draft_number(setting, setting.value_in(standing.config))

    def _draft_number(self, setting: SettingField, now: int) -> None:
        _, value = setting_widget(setting, self._draft.get(setting.name, now))
        self._keep(setting.name, now, max(value, 0))

    def _keep(self, name: str, now: Any, wanted: Any) -> None:
        """Remember a setting that is to change, forget one that is not."""
        self._draft.pop(name, None)
        if wanted != now:
            self._draft[name] = wanted

    def _run_buttons(self, viewer: Viewer, standing: Standing) -> None:
        for request in (Request.PAUSE, Request.STEP, Request.SCREENSHOT):
            name = "go on" if request is Request.PAUSE and standing.paused else request.value
            if imgui.button(name):
                self._changes.append(request)
            imgui.same_line()
        imgui.new_line()

    def _rate(self, setting: SettingField, viewer: Viewer, standing: Standing) -> None:
        """Draw the ticks per second; without a limit the slider stands at its end."""
        assert setting.declared.panel
        now = standing.live[setting.name] or setting.declared.panel.high
        self._set(setting, viewer, *setting_widget(setting, now))

    def _world(self, setting: SettingField, viewer: Viewer, standing: Standing) -> None:
        now = standing.config.world.name
        worlds = list(dict.fromkeys([now, *standing.worlds]))
        _, wanted = setting_widget(setting, self._draft.get(setting.name, now), worlds)
        self._keep(setting.name, now, wanted)

    def _workers(self, setting: SettingField, viewer: Viewer, standing: Standing) -> None:
        """Draw how many workers there are, which "auto" has decided."""
        self._draft_number(setting, standing.workers)

    def _restart_buttons(self, viewer: Viewer, standing: Standing) -> None:
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
        if "world.name" in changes:  # these were meant for another world
            changes |= {"heatmap.axes": "auto", "heatmap.slice": ""}
            changes |= {"policy.checkpoint": "auto", "policy.steps": "last"}
        self._changes.append(Restart(changes))

    def _place(self, viewer: Viewer, standing: Standing) -> None:
        """Draw the slider over the checkpoints of a training run; it counts once it is let go."""
        place = standing.place
        if place is None:
            return
        shown = place if self._place_wanted is None else self._place_wanted
        imgui.set_next_item_width(-1)
        ends = 1, len(place.steps)
        flags = imgui.SliderFlags_.always_clamp | imgui.SliderFlags_.no_input
        moved, number = imgui.slider_int("##checkpoint", shown.index + 1, *ends, shown.said, flags)
        if moved:
            self._place_wanted = place.moved(number - 1 - place.index)
        if self._place_wanted and not imgui.is_item_active():
            if self._place_wanted != place:
                self._changes.append(Restart({"policy.steps": self._place_wanted.own_steps}))
            self._place_wanted = None

    def _map(self, setting: SettingField, viewer: Viewer, standing: Standing) -> None:
        """Draw the list of maps, numbered as the keys are; those that cannot be shown here are grey."""
        assert setting.declared.panel
        options = [Option("", "none")] if setting.name == "heatmap.beside" else []
        for choice in viewer.choices or [MapChoice(name, "") for name in viewer.layers]:
            number = viewer.layers.index(choice.name) + 1 if choice.name in viewer.layers else 0
            text = f"{choice.name}  {number}" if 0 < number < 10 else choice.name
            options.append(Option(choice.name, text, choice.meaning, number > 0))
        now = viewer.value(setting.name)
        self._set(setting, viewer, *pick_option(setting.declared.panel.labels[0], now, options))

    def _projection(self, setting: SettingField, viewer: Viewer, standing: Standing) -> None:
        choices = {"2d": "map", "3d": "height field"}
        self._set(setting, viewer, *radio(choices, viewer.value(setting.name)))

    def _fit_button(self, viewer: Viewer, standing: Standing) -> None:
        if imgui.button("fit to the agents"):
            self._changes.append(Request.FIT)

    def _view_switches(self, viewer: Viewer, standing: Standing) -> None:
        _, viewer.help_shown = imgui.checkbox("help", viewer.help_shown)
        imgui.same_line()
        _, viewer.profile_shown = imgui.checkbox("frame costs", viewer.profile_shown)

    def _findings(self, viewer: Viewer, standing: Standing) -> None:
        """Draw the list of findings; a click goes to one. Of more than fit, those around the current one."""
        if not standing.findings:
            asked = standing.findings is not None
            imgui.text_colored(_UNKNOWN, "nothing found so far" if asked else "press N to look for places")
            return
        begin = max(0, (standing.finding or 0) - _FINDINGS + 1)
        for index, (kind, said) in enumerate(standing.findings[begin : begin + _FINDINGS], begin):
            if imgui.selectable(f"{kind}: {said}##{index}", index == standing.finding)[0]:
                self._changes.append(GoTo(index))

    def _agent_opacity(self, viewer: Viewer, standing: Standing) -> None:
        _, opacity = slider("agents", viewer.looks.agent_opacity, 0, 1)
        viewer.looks = replace(viewer.looks, agent_opacity=opacity)

    def _budget(self, setting: SettingField, viewer: Viewer, standing: Standing) -> None:
        now = standing.live[setting.name]
        index = 0 if now == "auto" else 2 if now > 0 else 1
        changed, wanted = imgui.combo("segments", index, list(_BUDGETS))
        self._set(setting, viewer, changed, ("auto", 0, _FIRST_BUDGET)[wanted])
        if index == 2:
            changed, most = imgui.input_int(_BUDGETS[2], now, 1000, 10_000)
            self._set(setting, viewer, changed, max(most, 1))

    def _axes(self, setting: SettingField, viewer: Viewer, standing: Standing) -> None:
        assert setting.declared.panel
        names = [variable.name for variable in standing.plane.world.state]
        axes = [names[axis] for axis in standing.plane.axes]
        labels = setting.declared.panel.labels
        wanted = [pick(label, name, names)[1] for label, name in zip(labels, axes, strict=True)]
        if wanted != axes and wanted[0] != wanted[1]:
            self._changes.append(Restart({"heatmap.axes": ", ".join(wanted), "heatmap.slice": ""}))

    def _slice(self, viewer: Viewer, standing: Standing) -> None:
        """Draw the values of the state variables that are not on the map."""
        plane = standing.plane
        imgui.begin_disabled(not standing.sliced)
        values, moved = list(plane.values), False
        for index, variable in enumerate(plane.world.state):
            if index not in plane.axes:
                imgui.push_id(index)
                ends = variable.low, variable.high
                changed, values[index] = slider(variable.name, values[index], *ends, "%.3g")
                imgui.pop_id()
                moved = moved or changed
        imgui.end_disabled()
        if moved:
            self._changes.append(Slice(tuple(values)))

    def _limits(self, viewer: Viewer, standing: Standing) -> None:
        for name, measured, limit, kept in standing.limits:
            value = "–" if kept is None else f"{measured:.2f}"
            color = _UNKNOWN if kept is None else _GOOD if kept else _BAD
            imgui.text_colored(color, f"{value} of {limit:g}: {name}")

    def _frame_times(self, viewer: Viewer, standing: Standing) -> None:
        if not standing.busy_ms:
            return
        values = np.array(standing.busy_ms, np.float32)
        most = max(2 * standing.may_take_ms, float(values.max()))
        label = f"{values[-1]:.1f} ms of {standing.may_take_ms:.1f}"
        imgui.plot_lines("##busy", values, 0, label, 0.0, most, (imgui.get_content_region_avail().x, 60))
