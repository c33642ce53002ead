"""Marks of settings that differ from the run's start."""

from typing import Any

from valuescape.render.panel.described import Mark
from valuescape.render.panel.form import Form
from valuescape.sim.config.model import SettingField
from valuescape.sim.config.toml_writer import toml_value


def setting_mark(setting: SettingField, form: Form) -> Mark | None:
    """Return the mark of a setting that is changed or drafted; None if it is neither.

    A live setting gets the value that the run started with; the draft of another one is dropped, or drafted
    back.
    """
    started = setting.value_in(form.standing.past.started)
    drafted = setting.name in form.drafts
    if not drafted and form.now(setting) == started:
        return None
    return Mark(setting.name, toml_value(started), lambda: _reset(setting, form, started), drafted)


def _reset(setting: SettingField, form: Form, started: Any) -> None:
    if setting.declared.live:
        form.set(setting, started)
    elif setting.name in form.drafts:
        del form.drafts[setting.name]
    else:
        form.drafts[setting.name] = started
