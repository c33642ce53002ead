"""Descriptions of plug-ins' sections: values come back as they were changed, or are refused."""

import pytest

from valuescape.sim.errors import UsageError
from valuescape.sim.plugins.widgets import Choice, Panel, Section


def described(touched):
    panel = Panel(touched)
    panel.text("a line")
    values = {
        "slider": panel.slider("slider", 5.0, 0.0, 10.0),
        "whole": panel.slider("whole", 3, 0, 9, whole=True),
        "check": panel.checkbox("check", False),
        "button": panel.button("button"),
        "choice": panel.choice("choice", "b", ("a", "b", "c")),
        "number": panel.number("number", 2.5),
    }
    panel.plot("plot", [1, 2, float("nan")])
    return Section("mine", "Mine", tuple(panel.widgets)), values


def test_what_was_touched_comes_back_with_the_next_description_and_once():
    _, before = described({})
    assert before == {
        "slider": 5.0,
        "whole": 3,
        "check": False,
        "button": False,
        "choice": "b",
        "number": 2.5,
    }
    touched = {"slider": 99.0, "whole": 4.4, "check": True, "button": True, "choice": "c", "number": 7}
    section, after = described(touched)
    assert after == {**touched, "slider": 10.0, "whole": 4}
    assert Choice("choice", "c", ("a", "b", "c")) in section.widgets


@pytest.mark.parametrize(
    ("describe", "said"),
    [
        (lambda panel: panel.slider("a", 1, 2, 2), "expected low < high"),
        (lambda panel: panel.slider("a", 1, 0, 2, logarithmic=True), "logarithmic from above 0"),
        (lambda panel: panel.choice("a", "x", ("y",)), "'x' is none of"),
        (lambda panel: [panel.button("a") for _ in range(2)], "two widgets are called 'a'"),
        (lambda panel: [panel.text("a") for _ in range(300)], "more than 200 widgets"),
    ],
)
def test_what_cannot_be_drawn_is_refused(describe, said):
    with pytest.raises(UsageError, match=said):
        describe(Panel({}))
