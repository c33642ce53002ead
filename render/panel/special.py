"""Widgets that depend on the run, and those that change no setting."""

from dataclasses import replace
from functools import cache, partial
from typing import Any

from valuescape.render.panel.described import (
    Listing,
    Option,
    Pick,
    Plot,
    Press,
    Radio,
    Said,
    Slider,
    Switch,
    Tone,
    Typed,
    Widget,
)
from valuescape.render.panel.ends import Ends, ends_of
from valuescape.render.panel.form import Form
from valuescape.render.panel.widgets import Given, options_of, setting_widgets, typed_number
from valuescape.render.view.changes import GoTo, Preset, Request, Restart
from valuescape.render.view.choosing import MapChoice
from valuescape.sim.config.model import SettingField
from valuescape.sim.policy.training_files import Place

_FINDINGS = 8
"""Findings that are listed."""

_FIRST_BUDGET = 100_000
"""Segments, when a limit is chosen."""

_BUDGETS = (Option("auto", "follows the frame time"), Option(0, "no limit"), Option(_FIRST_BUDGET, "at most"))
_PROJECTIONS = (Option("2d", "map"), Option("3d", "height field"))

Widgets = tuple[Widget, ...]


def request_button(
    form: Form, request: Request, label: str = "", *, on: bool = True, beside: bool = False, tip: str = ""
) -> Press:
    """Return the button of a request. label: the request's own words if ""."""
    label = label or request.value

    def take(_: Any) -> None:
        form.ask(request)

    return Press(name=f"request {request.value}", label=label, take=take, on=on, beside=beside, tip=tip)


def run_buttons(form: Form) -> Widgets:
    """Return the buttons that stop and step the run, and save a picture."""
    pause = request_button(form, Request.PAUSE, "go on" if form.standing.paused else "pause")
    others = (request_button(form, each, beside=True) for each in (Request.STEP, Request.SCREENSHOT))
    return pause, *others


def preset_list(form: Form) -> Widgets:
    """Return the list of presets; a choice goes over to one."""
    options = tuple(Option(name, name, said) for name, said in form.standing.presets.items())

    def take(name: Any) -> None:
        form.ask(Preset(name))

    return (Pick(name="preset", label="preset", value="", shown="go over to …", options=options, take=take),)


def restart_button(form: Form) -> Widgets:
    """Return the button that begins the run anew as it is."""

    def restart(_: Any) -> None:
        form.drafts.clear()
        form.restart()

    return (Press(name="restart", label="restart", take=restart),)


def rate(setting: SettingField, form: Form) -> Widgets:
    """Return the slider of ticks per second; without a limit it stands at its end."""
    ends = ends_of(setting)
    now, take = form.standing.live[setting.name] or ends.high, partial(form.set, setting)
    return (Slider(name=setting.name, label="ticks/s", value=now, ends=ends, take=take),)


def world(setting: SettingField, form: Form) -> Widgets:
    """Return the list of worlds, with the run's own if it is none of them."""
    now = form.standing.config.world.name
    options = options_of(list(dict.fromkeys([now, *form.standing.worlds])))
    value, take = form.drafts.get(setting.name, now), partial(form.draft, setting)
    return (Pick(name=setting.name, label="world", value=value, options=options, take=take),)


def workers(setting: SettingField, form: Form) -> Widgets:
    """Return the slider of the number of workers, which may be "auto"; it takes effect on release."""
    asked, ends = form.now(setting), ends_of(setting)
    now = form.standing.workers if asked == "auto" else asked
    if asked == "auto":
        ends = replace(ends, form=f"{ends.form} (auto)")
    take = partial(form.set, setting)
    return (
        Slider(name=setting.name, label="workers", value=now, ends=ends, whole=True, take=take, let_go=True),
    )


@cache
def _texts(steps: tuple[int, ...]) -> tuple[str, ...]:
    """Return what is said of each checkpoint of a training run."""
    return tuple(Place(steps, index).said for index in range(len(steps)))


def place(setting: SettingField, form: Form) -> Widgets:
    """Return the slider over the checkpoints of a training run; it takes effect on release."""
    now = form.standing.place
    assert now
    live = form.standing.watching is False
    slider = Slider(
        name=setting.name,
        label="checkpoint",
        hidden=True,
        value=now.index + 1,
        ends=Ends(1, len(now.steps), False, "%d"),
        whole=True,
        texts=_texts(now.steps),
        full=True,
        take=lambda index: form.set(setting, now.steps[index - 1]),
        beside=live,
        let_go=True,
    )
    return (request_button(form, Request.LIVE), slider) if live else (slider,)


def layer(setting: SettingField, form: Form) -> Widgets:
    """Return the list of maps, numbered as the keys are; those that cannot be shown here are grey."""
    viewer = form.viewer
    beside = setting.name == "heatmap.beside"
    options = [Option("", "none")] if beside else []
    for choice in viewer.choices or [MapChoice(name, "") for name in viewer.layers]:
        key = viewer.layers.index(choice.name) + 1 if choice.name in viewer.layers else 0
        text = f"{choice.name}  {key}" if 0 < key < 10 else choice.name
        options.append(Option(choice.name, text, choice.meaning, key > 0))
    now, take = viewer.value(setting.name), partial(form.set, setting)
    label = "beside" if beside else "layer"
    return (Pick(name=setting.name, label=label, value=now, shown=now, options=tuple(options), take=take),)


def projection(setting: SettingField, form: Form) -> Widgets:
    """Return the choice between map and height field."""
    now, take = form.viewer.value(setting.name), partial(form.set, setting)
    return (Radio(name=setting.name, label="projection", value=now, options=_PROJECTIONS, take=take),)


def trail_color(setting: SettingField, form: Form) -> Widgets:
    """Return the list of trail colours; some need a critic."""
    given = Given("colour", form.now(setting), partial(form.set, setting), form.viewer.trail_colors)
    return setting_widgets(setting, given)


def selected(setting: SettingField, form: Form) -> Widgets:
    """Return the number of the selected agent."""
    return (typed_number(setting, Given("select", form.now(setting), partial(form.set, setting))),)


def fit_button(form: Form) -> Widgets:
    """Return the button that shows all agents."""
    return (request_button(form, Request.FIT, "fit to the agents"),)


def view_switches(form: Form) -> Widgets:
    """Return the switches of help and frame costs."""
    viewer = form.viewer

    def show_help(on: bool) -> None:
        viewer.help_shown = on

    def show_costs(on: bool) -> None:
        viewer.profile_shown = on

    return (
        Switch(name="help", label="help", value=viewer.help_shown, take=show_help),
        Switch(
            name="frame costs", label="frame costs", value=viewer.profile_shown, take=show_costs, beside=True
        ),
    )


def findings(form: Form) -> Widgets:
    """Return the list of findings; a click goes to one. Of more than fit, those around the current one."""
    standing = form.standing
    if not standing.findings:
        asked = standing.findings is not None
        said = "nothing found so far" if asked else "press N to look for places"
        return (Said(name="findings", label=said, tone="faint"),)
    begin = max(0, (standing.finding or 0) - _FINDINGS + 1)
    seen = enumerate(standing.findings[begin : begin + _FINDINGS], begin)
    options = tuple(Option(index, f"{kind}: {said}") for index, (kind, said) in seen)

    def take(index: Any) -> None:
        form.ask(GoTo(index))

    return (Listing(name="findings", label="findings", value=standing.finding, options=options, take=take),)


def agent_opacity(form: Form) -> Widgets:
    """Return the slider of the opacity of all marks, which is no setting of a configuration."""
    viewer = form.viewer

    def take(opacity: float) -> None:
        viewer.looks = replace(viewer.looks, agent_opacity=opacity)

    ends = Ends(0, 1, False, "%.2f")
    return (
        Slider(name="agents opacity", label="agents", value=viewer.looks.agent_opacity, ends=ends, take=take),
    )


def budget(setting: SettingField, form: Form) -> Widgets:
    """Return the limit of trail segments."""
    now, take = form.standing.live[setting.name], partial(form.set, setting)
    limited = now != "auto" and now > 0
    chosen = _FIRST_BUDGET if limited else now if now == "auto" else 0
    listed = Pick(name=f"{setting.name} kind", label="segments", value=chosen, options=_BUDGETS, take=take)
    if not limited:
        return (listed,)
    label, steps = _BUDGETS[-1].text, (1000, 10_000)
    most = Typed(name=setting.name, label=label, value=now, whole=True, low=1, steps=steps, take=take)
    return listed, most


def axes(setting: SettingField, form: Form) -> Widgets:
    """Return the lists of state variables along x and y."""
    plane = form.standing.plane
    names = [variable.name for variable in plane.world.state]
    now = [names[axis] for axis in plane.axes]

    def turn(at: int, name: str) -> None:
        wanted = [name if at == index else each for index, each in enumerate(now)]
        if wanted != now and wanted[0] != wanted[1]:
            form.ask(Restart({"heatmap.axes": ", ".join(wanted), "heatmap.slice": ""}))

    return tuple(
        Pick(
            name=f"{setting.name} {axis}",
            label=f"along {axis}",
            value=now[index],
            options=options_of(names),
            take=partial(turn, index),
        )
        for index, axis in enumerate("xy")
    )


def slices(setting: SettingField, form: Form) -> Widgets:
    """Return the sliders of the state variables that are not on the map."""
    plane = form.standing.plane

    def move(at: int, value: float) -> None:
        values = list(form.standing.plane.values)
        values[at] = value
        form.move_slice(tuple(values))

    return tuple(
        Slider(
            name=f"{setting.name} {variable.name}",
            label=variable.name,
            value=plane.values[index],
            ends=Ends(variable.low, variable.high, False, "%.3g"),
            take=partial(move, index),
            on=form.standing.sliced,
        )
        for index, variable in enumerate(plane.world.state)
        if index not in plane.axes
    )


def limits(form: Form) -> Widgets:
    """Return the health limits and how the run stands to them."""
    found: list[Widget] = []
    for name, measured, limit, kept in form.standing.limits:
        value = "–" if kept is None else f"{measured:.2f}"
        tone: Tone = "faint" if kept is None else "good" if kept else "bad"
        found.append(Said(name=f"limit {name}", label=f"{value} of {limit:g}: {name}", tone=tone))
    return tuple(found)


def frame_times(form: Form) -> Widgets:
    """Return the times of the last frames as a line."""
    standing = form.standing
    if not standing.busy_ms:
        return ()
    most = max(2 * standing.may_take_ms, max(standing.busy_ms))
    said = f"{standing.busy_ms[-1]:.1f} ms of {standing.may_take_ms:.1f}"
    return (
        Plot(name="frame times", label="frame times", value=standing.busy_ms, low=0.0, high=most, said=said),
    )
