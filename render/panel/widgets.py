"""The widgets that suit a setting's type."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from valuescape.render.panel.described import Field, Option, Pick, Said, Slider, Switch, Take, Typed, Widget
from valuescape.render.panel.ends import ends_of
from valuescape.sim.config.model import SettingField


@dataclass(frozen=True, slots=True)
class Given:
    """How the widgets of a setting are to be: the text beside them, the value that they show, what takes one.

    words: to choose from instead of the declared ones. typed: numbers are typed, in fields. let_go, on: as of
    `Widget`.
    """

    label: str
    now: Any
    take: Take
    words: Sequence[str] = ()
    typed: bool = False
    let_go: bool = False
    on: bool = True


def setting_widgets(setting: SettingField, given: Given) -> tuple[Widget, ...]:
    """Return the widgets that suit a setting's type.

    A switch is a check box, a value out of several a list, other text a field, a number a slider. A setting
    that is a word or a number has a check box for the number.
    """
    name, label, take, on = setting.name, given.label, given.take, given.on
    if isinstance(setting.default, bool):
        return (Switch(name=name, label=label, value=given.now, take=take, on=on, let_go=given.let_go),)
    if words := given.words or setting.choices:
        return (_pick(setting, given, words),)
    if setting.words:
        return _held(setting, given)
    if isinstance(setting.default, str):
        return (Field(name=name, label=label, value=given.now, take=take, on=on),)
    if isinstance(setting.default, int | float):
        return (number_widget(setting, given),)
    said = f"{label}: {given.now}"  # a list or a table, which a file has
    return (Said(name=name, label=said, tone="faint"),)


def options_of(values: Sequence[Any]) -> tuple[Option, ...]:
    """Return the entries of a list of plain values."""
    return tuple(Option(each, str(each)) for each in values)


def _pick(setting: SettingField, given: Given, words: Sequence[Any]) -> Pick:
    options = options_of(words)
    return Pick(
        name=setting.name,
        label=given.label,
        value=given.now,
        options=options,
        take=given.take,
        on=given.on,
        let_go=given.let_go,
    )


def number_widget(setting: SettingField, given: Given) -> Slider | Typed:
    """Return a number's slider, or a field that is typed into. The value stays within the bounds."""
    if given.typed or setting.bounds[0] is None:
        return typed_number(setting, given)
    return Slider(
        name=setting.name,
        label=given.label,
        value=given.now,
        ends=ends_of(setting),
        whole=setting.whole,
        take=given.take,
        on=given.on,
        let_go=given.let_go,
    )


def typed_number(setting: SettingField, given: Given, *, beside: bool = False, form: str = "") -> Typed:
    """Return a field for a number. form: how one is written that a drag changes; "" for one that is typed."""
    low, high = setting.bounds
    return Typed(
        name=setting.name,
        label=given.label,
        value=given.now,
        take=given.take,
        on=given.on,
        let_go=given.let_go,
        whole=setting.whole,
        low=low,
        high=high,
        beside=beside,
        form=form or "%.6g",
        dragged=bool(form),
    )


def _held(setting: SettingField, given: Given) -> tuple[Widget, ...]:
    """Return the widgets of a number that is a word, such as "auto", unless a check box holds it."""
    word, name, label = setting.words[0], setting.name, given.label
    kept = given.now != word
    before: Any = max(setting.bounds[0] or 0, 0) if isinstance(given.now, str) else given.now

    def hold(on: bool) -> None:
        given.take((int(before) if setting.whole else float(before)) if on else word)

    box = Switch(name=f"{name} keep", label=f"keep {label}", hidden=True, value=kept, take=hold, on=given.on)
    if not kept:
        return box, Field(name=name, label=label, value=word, on=False, beside=True)
    panel = setting.declared.panel
    form = "" if setting.whole or given.typed else (panel and panel.form) or "%.4g"
    return box, typed_number(setting, replace(given, now=before), beside=True, form=form)


def as_written(value: float) -> float:
    """Return a number of single precision as a person would write it: 0.2, not 0.20…3."""
    return float(str(np.float32(value)))
