"""Rows of the world's parameters: a slider each, for the value of all agents or the ends of a range."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from imgui_bundle import imgui

from valuescape.render.panel.ends import Ends, parameter_ends
from valuescape.render.panel.form import Form
from valuescape.render.panel.marks import draw_reset
from valuescape.render.panel.rows import Row
from valuescape.render.panel.widgets import as_shown, ranged
from valuescape.sim.worlds.parameters import Parameter, Range, given_ranges

SETTING = "world.parameters"

_WIDTH = 0.1
"""Half the width of a new range, as a share of the parameter's bounds."""


def parameter_rows(parameters: Sequence[Parameter]) -> tuple[Row, ...]:
    """Return the rows of a world's parameters, in their order."""
    return tuple(_row(each) for each in parameters)


def _row(parameter: Parameter) -> Row:
    name = f"{SETTING}.{parameter.name}"
    unit = f" ({parameter.unit})" if parameter.unit else ""
    tip = f"{name}: from {parameter.low:g} to {parameter.high:g}{unit}; default: {parameter.default:g}"
    tip += "; the box on the left gives each agent its own value, from a range"
    words = f"{name} {parameter.name.replace('_', ' ')} world parameter".casefold()
    return Row(partial(_draw, parameter), words, tip, partial(_mark, parameter))


def _range(parameter: Parameter, given: dict[str, Any]) -> Range:
    value = given.get(parameter.name, parameter.default)
    return given_ranges([parameter], {parameter.name: value}, "")[parameter.name]


def _draw(parameter: Parameter, form: Form) -> None:
    """Draw the check box of a range, and one slider or two."""
    name = f"{SETTING}.{parameter.name}"
    now = _range(parameter, form.standing.live[SETTING])
    ends = parameter_ends(parameter.low, parameter.high, parameter.unit)
    switched, spread = imgui.checkbox(f"##range of {parameter.name}", now.spread)
    imgui.same_line()
    if switched:
        form.set_named(name, str(_widened(parameter, now)) if spread else as_shown(now.middle))
    if now.spread:
        _draw_range(parameter, form, now, ends)
        return
    changed, value = ranged(parameter.name, now.low, ends)
    if changed:
        form.set_named(name, value)


def _draw_range(parameter: Parameter, form: Form, now: Range, ends: Ends) -> None:
    """Draw both ends; they take effect on release, because each change gives all agents new values."""
    name = f"{SETTING}.{parameter.name}"
    low, high = form.shown(name, (now.low, now.high))
    flags = imgui.SliderFlags_.always_clamp | (imgui.SliderFlags_.logarithmic if ends.logarithmic else 0)
    pair = imgui.ImVec2(low, high)
    changed, moved = imgui.slider_float2(parameter.name, pair, ends.low, ends.high, ends.form, flags)
    wanted = tuple(sorted((as_shown(moved.x), as_shown(moved.y))))
    taken = form.let_go(name, (now.low, now.high), wanted, changed=changed)
    if taken is not None:
        form.set_named(name, str(Range(*taken)))


def _widened(parameter: Parameter, now: Range) -> Range:
    """Return the first range of a parameter that is being spread: around its value, within its bounds."""
    reach = _WIDTH * (parameter.high - parameter.low)
    low, high = max(parameter.low, now.middle - reach), min(parameter.high, now.middle + reach)
    return Range(float(f"{low:.4g}"), float(f"{high:.4g}"))


def _mark(parameter: Parameter, form: Form, top: float) -> None:
    """Mark a parameter that differs from the run's start, and draw its reset button."""
    first = _range(parameter, form.standing.past.started.world.parameters)
    if _range(parameter, form.standing.live[SETTING]) == first:
        return
    name = f"{SETTING}.{parameter.name}"
    if draw_reset(name, top, str(first)):
        form.set_named(name, str(first) if first.spread else first.low)
