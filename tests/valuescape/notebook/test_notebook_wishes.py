"""What controls on a notebook's page may ask for."""

import pytest

from valuescape.notebook.wishes import change_of
from valuescape.render.displays.streaming.messages import Touched, read_message
from valuescape.render.view.changes import Request, Set


def test_controls_ask_in_the_vocabulary_of_changes():
    change = read_message({"type": "change", "name": "heatmap.layer", "value": "error"})
    request = read_message({"type": "request", "name": "pause"})
    assert [change_of(each) for each in (change, request)] == [Set("heatmap.layer", "error"), Request.PAUSE]


@pytest.mark.parametrize(
    "message",
    [
        {"type": "request", "name": "quit"},
        {"type": "request", "name": ["pause"]},
        {"type": "request"},
        {"type": "change", "name": "policy.checkpoint", "value": "/etc/passwd"},
        {"type": "change", "name": "run.seed", "value": 3},
        {"type": "change", "name": "policy.steps", "value": 1e400},
        {"type": "change", "name": "policy.steps", "value": 10**400},
        {"type": "change", "name": "policy.steps", "value": float("nan")},
        {"type": "change", "name": "heatmap.layer", "value": "x" * 1000},
        {"type": "change", "name": "heatmap.layer", "value": {}},
        {"type": "change", "name": ["heatmap.layer"], "value": "error"},
    ],
)
def test_nothing_else_can_be_asked_for(message):
    assert change_of(read_message(message)) is None


def test_a_notebook_s_page_has_no_panel():
    assert change_of(Touched("request quit", True, False, 1)) is None
