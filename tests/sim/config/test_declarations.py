"""Declarations of settings: each is complete, and what is derived from them is unambiguous."""

from collections import Counter
from typing import get_args

import pytest

from valuescape.sim.config.complaints import expectation
from valuescape.sim.config.model import Config, settings_of
from valuescape.sim.config.setting import Setting
from valuescape.sim.insight.signal_kinds import BUILT_IN

SETTINGS = settings_of()
EVERY = pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS.keys())


def kinds(annotation):
    """Return the plain types that a setting's type is made of; the type of each value of a `Literal`."""
    inner = get_args(annotation)
    if not inner:
        return {annotation if isinstance(annotation, type) else type(annotation)}
    return {kind for each in inner for kind in kinds(each)}


@EVERY
def test_a_setting_is_described_and_a_number_has_a_unit(setting):
    assert isinstance(setting.field.json_schema_extra, Setting)
    assert setting.field.description
    assert (setting.declared.unit is not None) == bool(kinds(setting.field.annotation) & {int, float})
    assert expectation(setting)


@EVERY
def test_a_default_is_admitted(setting):
    assert setting.value_in(Config()) == setting.default
    assert Config.model_validate({setting.section: {setting.key: setting.default}}) == Config()


def test_a_setting_is_written_once():
    """No name twice, no place of the panel twice, no label twice under a heading."""
    assert len(SETTINGS) == sum(len(type(section).model_fields) for _, section in Config())
    panels = [each.declared.panel for each in SETTINGS.values() if each.declared.panel]
    places = Counter((panel.group, panel.place) for panel in panels)
    labels = Counter((panel.group, label) for panel in panels for label in panel.labels)
    assert max(places.values()) == max(labels.values()) == 1


def test_a_json_schema_tells_units_and_what_is_live():
    properties = Config.model_json_schema()["$defs"]["TrailsConfig"]["properties"]
    assert (properties["width_px"]["unit"], properties["width_px"]["live"]) == ("px", True)
    assert (properties["length"]["unit"], properties["length"]["live"]) == ("ticks", False)
    assert "unit" not in properties["color_by"]


def test_every_signal_is_a_colour_of_trails():
    said = settings_of()["trails.color_by"].field.description
    assert [each.name for each in BUILT_IN if f"{each.name}," not in f"{said.replace(';', ',')}"] == []
