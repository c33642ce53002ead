"""Rows of the panel whose widgets depend on the run, and those that change no setting."""

from dataclasses import replace

import numpy as np
from imgui_bundle import imgui

from valuescape.render.panel.ends import ends_of
from valuescape.render.panel.form import Form
from valuescape.render.panel.widgets import (
    Option,
    number,
    pick,
    pick_option,
    radio,
    ranged,
    setting_widget,
    slider,
)
from valuescape.render.view.changes import GoTo, Preset, Request, Restart
from valuescape.render.view.choosing import MapChoice
from valuescape.sim.config.model import SettingField

_GOOD, _BAD, _UNKNOWN = (0.5, 0.85, 0.5, 1), (1, 0.55, 0.35, 1), (0.6, 0.6, 0.6, 1)
_BUDGETS = ("follows the frame time", "no limit", "at most")
_FINDINGS = 8
"""Findings that are listed."""

_FIRST_BUDGET = 100_000
"""Segments, when a limit is chosen."""


def run_buttons(form: Form) -> None:
    """Draw the buttons that stop and step the run, and save a picture."""
    for request in (Request.PAUSE, Request.STEP, Request.SCREENSHOT):
        name = "go on" if request is Request.PAUSE and form.standing.paused else request.value
        if imgui.button(name):
            form.ask(request)
        imgui.same_line()
    imgui.new_line()


def preset_list(form: Form) -> None:
    """Draw the list of presets; a choice goes over to one."""
    options = [Option(name, name, said) for name, said in form.standing.presets.items()]
    changed, name = pick_option("preset", "go over to …", options)
    if changed:
        form.ask(Preset(name))


def restart_button(form: Form) -> None:
    """Draw the button that begins the run anew as it is."""
    if imgui.button("restart"):
        form.drafts.clear()
        form.restart()


def rate(setting: SettingField, form: Form) -> None:
    """Draw the ticks per second; without a limit the slider stands at its end."""
    now = form.standing.live[setting.name] or ends_of(setting).high
    changed, value = number(setting, "ticks/s", now, typed=False)
    if changed:
        form.set(setting, value)


def world(setting: SettingField, form: Form) -> None:
    """Draw the list of worlds, with the run's own if it is none of them."""
    now = form.standing.config.world.name
    worlds = list(dict.fromkeys([now, *form.standing.worlds]))
    form.draft(setting.name, now, pick("world", form.drafts.get(setting.name, now), worlds)[1])


def workers(setting: SettingField, form: Form) -> None:
    """Draw the number of workers, by the setting or by "auto"; the slider takes effect on release."""
    asked = form.now(setting)
    now = form.standing.workers if asked == "auto" else asked
    ends = ends_of(setting)
    if asked == "auto":
        ends = replace(ends, form=f"{ends.form} (auto)")
    changed, value = ranged("workers", form.shown(setting.name, now), ends, whole=True)
    form.set_let_go(setting, now, value, changed=changed)


def place(setting: SettingField, form: Form) -> None:
    """Draw the slider over the checkpoints of a training run; it takes effect on release."""
    now = form.standing.place
    assert now
    shown = form.shown(setting.name, now)
    if form.standing.watching is False:
        if imgui.button("live"):
            form.ask(Request.LIVE)
        imgui.same_line()
    imgui.set_next_item_width(-1)
    ends = 1, len(now.steps)
    flags = imgui.SliderFlags_.always_clamp | imgui.SliderFlags_.no_input
    moved, index = imgui.slider_int("##checkpoint", shown.index + 1, *ends, shown.said, flags)
    wanted = form.let_go(setting.name, now, now.moved(index - 1 - now.index), changed=moved)
    if wanted is not None:
        form.set(setting, wanted.own_steps)


def layer(setting: SettingField, form: Form) -> None:
    """Draw the list of maps, numbered as the keys are; those that cannot be shown here are grey."""
    viewer = form.viewer
    beside = setting.name == "heatmap.beside"
    options = [Option("", "none")] if beside else []
    for choice in viewer.choices or [MapChoice(name, "") for name in viewer.layers]:
        key = viewer.layers.index(choice.name) + 1 if choice.name in viewer.layers else 0
        text = f"{choice.name}  {key}" if 0 < key < 10 else choice.name
        options.append(Option(choice.name, text, choice.meaning, key > 0))
    changed, value = pick_option("beside" if beside else "layer", viewer.value(setting.name), options)
    if changed:
        form.set(setting, value)


def projection(setting: SettingField, form: Form) -> None:
    """Draw the choice between map and height field."""
    choices = {"2d": "map", "3d": "height field"}
    changed, value = radio(choices, form.viewer.value(setting.name))
    if changed:
        form.set(setting, value)


def trail_color(setting: SettingField, form: Form) -> None:
    """Draw the list of trail colours; some need a critic."""
    changed, value = setting_widget(setting, "colour", form.now(setting), form.viewer.trail_colors)
    if changed:
        form.set(setting, value)


def selected(setting: SettingField, form: Form) -> None:
    """Draw the number of the selected agent."""
    changed, value = number(setting, "select", form.now(setting), typed=True)
    if changed:
        form.set(setting, value)


def fit_button(form: Form) -> None:
    """Draw the button that shows all agents."""
    if imgui.button("fit to the agents"):
        form.ask(Request.FIT)


def view_switches(form: Form) -> None:
    """Draw the switches of help and frame costs."""
    viewer = form.viewer
    _, viewer.help_shown = imgui.checkbox("help", viewer.help_shown)
    imgui.same_line()
    _, viewer.profile_shown = imgui.checkbox("frame costs", viewer.profile_shown)


def findings(form: Form) -> None:
    """Draw the list of findings; a click goes to one. Of more than fit, those around the current one."""
    standing = form.standing
    if not standing.findings:
        asked = standing.findings is not None
        imgui.text_colored(_UNKNOWN, "nothing found so far" if asked else "press N to look for places")
        return
    begin = max(0, (standing.finding or 0) - _FINDINGS + 1)
    for index, (kind, said) in enumerate(standing.findings[begin : begin + _FINDINGS], begin):
        if imgui.selectable(f"{kind}: {said}##{index}", index == standing.finding)[0]:
            form.ask(GoTo(index))


def agent_opacity(form: Form) -> None:
    """Draw the opacity of all marks, which is no setting of a configuration."""
    viewer = form.viewer
    _, opacity = slider("agents", viewer.looks.agent_opacity, 0, 1)
    viewer.looks = replace(viewer.looks, agent_opacity=opacity)


def budget(setting: SettingField, form: Form) -> None:
    """Draw the limit of trail segments."""
    now = form.standing.live[setting.name]
    index = 0 if now == "auto" else 2 if now > 0 else 1
    changed, wanted = imgui.combo("segments", index, list(_BUDGETS))
    if changed:
        form.set(setting, ("auto", 0, _FIRST_BUDGET)[wanted])
    if index == 2:
        changed, most = imgui.input_int(_BUDGETS[2], now, 1000, 10_000)
        if changed:
            form.set(setting, max(most, 1))


def axes(setting: SettingField, form: Form) -> None:
    """Draw the state variables along x and y."""
    plane = form.standing.plane
    names = [variable.name for variable in plane.world.state]
    now = [names[axis] for axis in plane.axes]
    wanted = [pick(f"along {axis}", name, names)[1] for axis, name in zip("xy", now, strict=True)]
    if wanted != now and wanted[0] != wanted[1]:
        form.ask(Restart({"heatmap.axes": ", ".join(wanted), "heatmap.slice": ""}))


def slices(setting: SettingField, form: Form) -> None:
    """Draw the values of the state variables that are not on the map."""
    plane = form.standing.plane
    imgui.begin_disabled(not form.standing.sliced)
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
        form.move_slice(tuple(values))


def limits(form: Form) -> None:
    """Draw the health limits and how the run stands to them."""
    for name, measured, limit, kept in form.standing.limits:
        value = "–" if kept is None else f"{measured:.2f}"
        color = _UNKNOWN if kept is None else _GOOD if kept else _BAD
        imgui.text_colored(color, f"{value} of {limit:g}: {name}")


def frame_times(form: Form) -> None:
    """Draw the times of the last frames as a line."""
    standing = form.standing
    if not standing.busy_ms:
        return
    values = np.array(standing.busy_ms, np.float32)
    most = max(2 * standing.may_take_ms, float(values.max()))
    label = f"{values[-1]:.1f} ms of {standing.may_take_ms:.1f}"
    imgui.plot_lines("##busy", values, 0, label, 0.0, most, (imgui.get_content_region_avail().x, 60))
