"""Ends of sliders: within the bounds of their settings, linear or by decades, printed with the unit."""

import pytest

from valuescape.render.panel.ends import Ends, ends_of, parameter_ends
from valuescape.sim.config.model import Config, SettingField, settings_of
from valuescape.sim.config.sections import Section
from valuescape.sim.config.setting import Group, Panel, setting

SETTINGS = settings_of()
NUMBERS = [
    each for each in SETTINGS.values() if each.bounds[0] is not None and type(each.default) in (int, float)
]


def declared(default, unit="", panel=None, **bounds):
    """Return a setting as a section would declare it."""
    made = {"__annotations__": {"size": type(default)}}
    made["size"] = setting(default, "how large", unit=unit, panel=panel, **bounds)
    field = type("Sized", (Section,), made).model_fields["size"]
    return SettingField("sized", "size", field, field.json_schema_extra)


@pytest.mark.parametrize("each", NUMBERS, ids=lambda each: each.name)
def test_a_slider_ends_within_the_bounds(each):
    ends = ends_of(each)
    assert ends.low < ends.high
    assert ends.form % ends.high
    low, high = each.bounds
    assert low <= ends.low
    assert ends.high <= high


@pytest.mark.parametrize(
    "each", [each for each in NUMBERS if each.declared.panel], ids=lambda each: each.name
)
def test_the_ends_of_a_declared_slider_are_values_that_the_setting_may_have(each):
    ends = ends_of(each)
    for end in (ends.low, ends.high):
        Config.model_validate({each.section: {each.key: type(each.default)(end)}})


@pytest.mark.parametrize(
    ("each", "expected"),
    [
        (declared(0.5, ge=0, le=1), Ends(0, 1, False, "%.2f")),
        (declared(34.0, "deg", ge=8, le=89), Ends(8, 89, False, "%.3g deg")),
        (declared(20.0, "s", ge=0, le=1e8), Ends(0, 10_000, True, "%.3g s")),
        (declared(0.03, ge=0, le=1e6), Ends(0, 10, True, "%.3g")),
        (declared(8, "ticks", ge=1, le=256), Ends(1, 256, False, "%d ticks")),
        (declared(0.0, "%", ge=-1e9, le=1e9), Ends(-100, 100, False, "%.3g %%")),
        (
            declared(5.0, ge=0, le=9, panel=Panel(Group.RUN, 1, "size", 2, 4, "%.0f!")),
            Ends(2, 4, False, "%.0f!"),
        ),
    ],
    ids=["share", "angle", "decades", "small", "whole", "both signs", "declared"],
)
def test_what_is_not_declared_follows_from_bounds_default_and_unit(each, expected):
    assert ends_of(each) == expected


@pytest.mark.parametrize(
    ("low", "high", "logarithmic"), [(1.0, 20.0, False), (0.01, 1.0, True), (0.0, 1000.0, False)]
)
def test_a_parameter_moves_by_decades_if_it_has_them(low, high, logarithmic):
    assert parameter_ends(low, high, "m/s²").logarithmic is logarithmic
    assert parameter_ends(low, high, "m/s²").form.endswith(" m/s²")
