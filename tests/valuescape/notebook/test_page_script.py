"""The page's script: events on their way, keys that stay the browser's, the slider of the speed."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "valuescape" / "notebook" / "static" / "view.js"


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What the script's parts did, by the name of the case."""
    if shutil.which("node") is None:
        pytest.skip("needs node")
    folder = tmp_path_factory.mktemp("page")
    (folder / "view.mjs").write_text(SCRIPT.read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "cases.mjs").write_text(CASES, encoding="utf-8")
    done = subprocess.run(["node", "cases.mjs"], cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


CASES = """
import { Outbox, isForeign, wheelSteps, speedAt, placeOf } from "./view.mjs";
const told = {};
let sent = [];
let box = new Outbox((message) => sent.push(structuredClone(message)));
for (let i = 0; i < 6; i++) box.push(["move", i, 0]);
box.push(["press", "left", 5, 0, false]);
box.push(["scroll", 1, 5, 0]);
box.push(["scroll", 2, 6, 0]);
told.before = sent.length;
told.blocked = box.blocked;
box.heard(1);
told.after = sent;
box.heard(1);
told.late = sent.length;
sent = [];
box.push(["move", 9, 9]);
box.ask({ type: "request", name: "pause" });
told.asked = sent;
told.unheard = box.unheard;
const key = (key, more = {}) => isForeign({ key, code: "", ...more });
told.foreign = ["Tab", "Enter", "F5", "F12"].map((each) => key(each));
told.foreign.push(key("s", { ctrlKey: true }), key("r", { metaKey: true }), key("r", { altKey: true }));
told.ours = [" ", "ArrowRight", "m", "M", "Escape", "F1", "1"].map((each) => key(each));
told.ours.push(key("z", { ctrlKey: true }), key("Z", { ctrlKey: true }), key("1", { ctrlKey: true }));
const turned = (deltaY, deltaMode) => wheelSteps({ deltaY, deltaMode });
told.wheel = [turned(-100, 0), turned(3, 1), turned(-1, 2), turned(-1e9, 0)];
told.speeds = [1, 60, 64, 1024, 0, 1e9].map((speed) => speedAt(placeOf(speed)));
console.log(JSON.stringify(told));
"""


def test_two_messages_of_events_are_on_their_way_and_moves_out_of_date_are_dropped(told):
    assert told["before"] == 2
    assert told["blocked"]
    first, second, third = (each["events"] for each in told["after"])
    assert (first, second) == ([["move", 0, 0]], [["move", 1, 0]])
    assert third == [["move", 5, 0], ["press", "left", 5, 0, False], ["scroll", 3, 6, 0]]
    assert [each["number"] for each in told["after"]] == [1, 2, 3]
    assert told["late"] == 3, "what was heard twice counts once"


def test_a_control_asks_at_once_and_takes_the_events_that_wait_along(told):
    assert told["asked"] == [
        {"type": "request", "name": "pause"},
        {"type": "events", "number": 4, "events": [["move", 9, 9]]},
    ]
    assert told["unheard"] == 3


def test_the_page_keeps_its_keys(told):
    assert all(told["foreign"])
    assert not any(told["ours"])


def test_wheels_of_all_units_count_in_notches(told):
    assert told["wheel"] == [1, -1, 1, 10]


def test_the_slider_has_a_place_for_every_speed(told):
    assert told["speeds"] == pytest.approx([1, 64, 64, 1024, 0, 8192], rel=0.01)
