"""Rows of the world's parameters: a slider each, for the value of all agents or the ends of a range."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from valuescape.render.panel.described import Mark, Slider, Span, Switch, Widget
from valuescape.render.panel.ends import parameter_ends
from valuescape.render.panel.form import Form
from valuescape.render.panel.rows import Row
from valuescape.render.panel.widgets import as_written
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
    return Row(name, partial(_widgets, parameter), words, tip, partial(_mark, parameter))


def _range(parameter: Parameter, given: dict[str, Any]) -> Range:
    value = given.get(parameter.name, parameter.default)
    return given_ranges([parameter], {parameter.name: value}, "")[parameter.name]


def _widgets(parameter: Parameter, form: Form) -> tuple[Widget, ...]:
    """Return the check box of a range, and the slider of one value or of both ends.

    Both ends take effect on release, because each change gives all agents new values.
    """
    name, label = f"{SETTING}.{parameter.name}", parameter.name
    now = _range(parameter, form.standing.live[SETTING])
    ends = parameter_ends(parameter.low, parameter.high, parameter.unit)

    def spread(on: bool) -> None:
        form.set_named(name, str(_widened(parameter, now)) if on else as_written(now.middle))

    def move_ends(wanted: tuple[float, float]) -> None:
        form.set_named(name, str(Range(*wanted)))

    box = Switch(name=f"{name} range", label=f"range of {label}", hidden=True, value=now.spread, take=spread)
    if now.spread:
        pair = now.low, now.high
        return box, Span(
            name=name, label=label, value=pair, ends=ends, take=move_ends, beside=True, let_go=True
        )
    take = partial(form.set_named, name)
    return box, Slider(name=name, label=label, value=now.low, ends=ends, take=take, beside=True)


def _widened(parameter: Parameter, now: Range) -> Range:
    """Return the first range of a parameter that is being spread: around its value, within its bounds."""
    reach = _WIDTH * (parameter.high - parameter.low)
    low, high = max(parameter.low, now.middle - reach), min(parameter.high, now.middle + reach)
    return Range(float(f"{low:.4g}"), float(f"{high:.4g}"))


def _mark(parameter: Parameter, form: Form) -> Mark | None:
    """Return the mark of a parameter that differs from the run's start; None if it does not."""
    first = _range(parameter, form.standing.past.started.world.parameters)
    if _range(parameter, form.standing.live[SETTING]) == first:
        return None
    name = f"{SETTING}.{parameter.name}"
    return Mark(name, str(first), lambda: form.set_named(name, str(first) if first.spread else first.low))
