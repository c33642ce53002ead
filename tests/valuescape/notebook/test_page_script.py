"""The page's script: events on their way, keys that stay the browser's, the slider of the speed."""

import json
import shutil
import subprocess

import pytest

from valuescape.notebook.widget import page_script
from valuescape.render.displays.streaming.page_modules import joined, shared_modules


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What the script's parts did, by the name of the case."""
    if shutil.which("node") is None:
        pytest.skip("needs node")
    folder = tmp_path_factory.mktemp("page")
    (folder / "view.mjs").write_text(page_script(), encoding="utf-8")
    for name in "outbox.js", "input.js":
        (folder / name).with_suffix(".mjs").write_text(shared_modules()[name], encoding="utf-8")
    (folder / "cases.mjs").write_text(CASES, encoding="utf-8")
    done = subprocess.run(["node", "cases.mjs"], cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


CASES = """
import view, { speedAt, placeOf } from "./view.mjs";
import { Outbox } from "./outbox.mjs";
import { isForeign, wheelSteps } from "./input.mjs";
const told = {};
let sent = [];
let box = new Outbox((message) => sent.push(structuredClone(message)));
for (let i = 0; i < 6; i++) box.push(["move", i, 0]);
box.push(["press", "left", 5, 0, false]);
box.push(["scroll", 1, 5, 0]);
box.push(["scroll", 2, 6, 0]);
told.before = sent.length;
told.before_heard = box.unheard;
box.heard(1);
told.after = sent;
box.heard(1);
told.late = sent.length;
sent = [];
box.push(["move", 9, 9]);
box.tell({ type: "request", name: "pause" });
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
told.lives = Object.keys(view());
console.log(JSON.stringify(told));
"""


def test_two_messages_of_events_are_on_their_way_and_moves_out_of_date_are_dropped(told):
    assert told["before"] == 2
    assert told["before_heard"] == 2
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


def test_the_script_is_one_module_with_all_that_it_imports(told):
    assert told["lives"] == ["initialize", "render"]
    assert not [line for line in page_script().splitlines() if line.startswith("import")]


def test_modules_that_are_joined_keep_their_own_names(tmp_path):
    """Each has a scope of its own, and only what it exports leaves it."""
    if shutil.which("node") is None:
        pytest.skip("needs node")
    modules = {
        "one.js": "const FEW = 1;\nexport const one = () => FEW;\nexport class Two {}\n",
        "two.js": "const FEW = 2;\nexport async function two() { return FEW; }\n",
    }
    script = 'import { one, Two } from "./one.js";\nimport { two } from "./two.js";\nconst FEW = 3;\n'
    script += "console.log(JSON.stringify([one(), await two(), FEW, new Two().constructor.name]));\n"
    (tmp_path / "all.mjs").write_text(joined(script, modules), encoding="utf-8")
    done = subprocess.run(["node", "all.mjs"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert json.loads(done.stdout) == [1, 2, 3, "Two"], done.stderr


@pytest.mark.parametrize(
    ("script", "modules"),
    [
        ('import one from "./one.js";', {"one.js": "export const one = 1;"}),
        (
            'import { one } from "./one.js";',
            {"one.js": 'import { two } from "./two.js";\nexport const one = 1;'},
        ),
        ('import { one } from "./one.js";', {"one.js": "export default 1;"}),
    ],
)
def test_other_forms_are_refused_by_joining(script, modules):
    with pytest.raises(ValueError, match=r"import"):
        joined(script, modules)
