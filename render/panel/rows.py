"""The rows of the panel: one for each setting, as its declaration says, and those that change no setting."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from valuescape.render.panel import special
from valuescape.render.panel.described import Mark, Widget
from valuescape.render.panel.form import Form
from valuescape.render.panel.marks import setting_mark
from valuescape.render.panel.standing import Standing
from valuescape.render.panel.texts import tip, words_of
from valuescape.render.panel.widgets import Given, setting_widgets
from valuescape.sim.changes import Way, way_of
from valuescape.sim.config.model import Config, SettingField, section_class, settings_of
from valuescape.sim.config.setting import Group


def _always(_: Standing) -> bool:
    return True


def _unmarked(_: Form) -> None:
    """Return no mark."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the panel, or several. widgets: makes what is in it at this moment.

    name: no other row of a panel has it. words: the text that the search looks through. tip: the tooltip.
    mark: makes the mark of a changed setting; None for none. seen: whether the row is shown in this run.
    """

    name: str
    widgets: Callable[[Form], Sequence[Widget]]
    words: str
    tip: str = ""
    mark: Callable[[Form], Mark | None] = _unmarked
    seen: Callable[[Standing], bool] = _always


@dataclass(frozen=True, slots=True)
class Section:
    """A heading of the panel with its rows. tip: the tooltip. open: whether its rows are shown at first.

    owner: distinguishes it from another of the same title; "" for those of the program. long: whether labels
    are, so that they need more room.
    """

    title: str
    rows: tuple[Row, ...]
    tip: str = ""
    open: bool = True
    owner: str = ""
    long: bool = False


def sections_of(config: type[Config]) -> list[Section]:
    """Return the headings of a class of configurations with their rows, from top to bottom."""
    settings = settings_of(config)
    placed = [(group, at, Row(words, widgets, words)) for group, at, widgets, words in _OTHERS]
    placed += [
        (panel.group, panel.place, _row(setting, " ".join(panel.labels)))
        for setting in settings.values()
        if (panel := setting.declared.panel)
    ]
    placed += [(group, at, _row(settings[name], words)) for name, (group, at, words) in _PLACED.items()]
    placed.sort(key=lambda each: each[1])
    found = [Section(group, tuple(row for at, _, row in placed if at is group)) for group in Group]
    return [*found, *_plain_sections(config, settings)]


def _plain_sections(config: type[Config], settings: dict[str, SettingField]) -> Iterator[Section]:
    """Yield a heading for each section of the configuration that has settings without a declared widget."""
    for name in config.model_fields:
        left = [
            each
            for each in settings.values()
            if each.section == name and not each.declared.panel and each.name not in _ELSEWHERE
        ]
        if left:
            about = section_class(name, config).__doc__ or ""
            yield Section(f"[{name}]", tuple(_row(each, "") for each in left), about, open=False, long=True)


def _row(setting: SettingField, labels: str) -> Row:
    """Return the row of a setting, by its declaration, or by a function if it depends on the run."""
    panel = setting.declared.panel
    widgets = _SPECIAL.get(setting.name)
    if widgets is None:
        live = setting.declared.live
        slow = panel.let_go if panel else way_of(setting.name) is Way.SUCCESSION
        widgets = (_let_go if slow else _live) if live else _drafted
    mark, seen = partial(setting_mark, setting), _SEEN.get(setting.name, _always)
    return Row(setting.name, partial(widgets, setting), words_of(setting, labels), tip(setting), mark, seen)


def _has_slice(standing: Standing) -> bool:
    return len(standing.plane.world.state) > 2


def label_of(setting: SettingField) -> str:
    """Return the text beside the widget of a setting."""
    panel = setting.declared.panel
    return panel.labels[0] if panel and panel.labels else setting.key.replace("_", " ")


def _live(setting: SettingField, form: Form) -> tuple[Widget, ...]:
    """Return the widgets of a setting that changes at once."""
    given = Given(label_of(setting), form.now(setting), partial(form.set, setting))
    return setting_widgets(setting, given)


def _let_go(setting: SettingField, form: Form) -> tuple[Widget, ...]:
    """Return those of a live setting that changes once its widget is let go, or what is typed is complete."""
    typed, take = not setting.declared.panel, partial(form.set, setting)
    given = Given(label_of(setting), form.now(setting), take, typed=typed, let_go=True)
    return setting_widgets(setting, given)


def _drafted(setting: SettingField, form: Form) -> tuple[Widget, ...]:
    """Return those of a setting that waits for a restart; grey if the program has to start anew for it."""
    shown = form.drafts.get(setting.name, setting.value_in(form.standing.config))
    take, on = partial(form.draft, setting), not setting.declared.once
    return setting_widgets(setting, Given(label_of(setting), shown, take, typed=True, on=on))


_OTHERS: tuple[tuple[Group, int, Callable[[Form], Sequence[Widget]], str], ...] = (
    (Group.RUN, 0, special.run_buttons, "pause go on step screenshot"),
    (Group.RUN, 0, special.preset_list, "preset configuration"),
    (Group.RUN, 9, special.restart_button, "restart"),
    (Group.VIEW, 5, special.fit_button, "fit to the agents"),
    (Group.VIEW, 7, special.view_switches, "help frame costs profile"),
    (Group.INSIGHT, 7, special.findings, "findings"),
    (Group.TRAILS, 4, special.agent_opacity, "agents opacity"),
    (Group.HEALTH, 1, special.limits, "health limits"),
    (Group.HEALTH, 2, special.frame_times, "frame times"),
)
"""Rows that change no setting of a configuration: heading, place, what makes them, words to find them by."""

_SPECIAL: dict[str, Callable[[SettingField, Form], Sequence[Widget]]] = {
    "sim.ticks_per_s": special.rate,
    "world.name": special.world,
    "workers.count": special.workers,
    "heatmap.axes": special.axes,
    "heatmap.slice": special.slices,
    "heatmap.layer": special.layer,
    "heatmap.beside": special.layer,
    "render.view": special.projection,
    "render.select": special.selected,
    "policy.steps": special.place,
    "trails.color_by": special.trail_color,
    "lod.segment_budget": special.budget,
}
"""Settings whose widget depends on the run."""

_PLACED = {
    "heatmap.slice": (Group.SLICE, 2, "slice"),
    "policy.steps": (Group.RUN, 1, "checkpoint training"),
}
"""Settings that declare no widget and have a row of `_SPECIAL`: heading, place, words to find them by."""

_SEEN: dict[str, Callable[[Standing], bool]] = {
    "heatmap.axes": _has_slice,
    "heatmap.slice": _has_slice,
    "policy.steps": lambda standing: standing.place is not None,
}
"""Settings that only some runs show, and their condition."""

_ELSEWHERE = {*_PLACED, "world.parameters"}
"""Settings that declare no widget and have one under a heading of the picture."""
