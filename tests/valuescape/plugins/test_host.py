"""Systems of the main process: when they are called, with what, and what they can ask for."""

import numpy as np
import pytest
from hands import pause, turn

from valuescape.sim.plugins.registry import PLUGINS
from valuescape.sim.plugins.replacing import replaced

pytestmark = pytest.mark.gpu

SYSTEMS = """
    from valuescape.api import main_system

    seen = []

    @main_system(every=3, needs="first")
    def second(run):
        seen.append(("second", run.tick, run.reward.copy(), run.state.copy()))

    @main_system(every="frame")
    def first(run):
        seen.append(("first", run.tick, None, None))

    @main_system(every=10)
    class Third:
        def __init__(self, run):
            seen.append(("began", run.tick, None, None))
        def __call__(self, run):
            seen.append(("third", run.tick, None, None))
        def close(self):
            seen.append(("closed", None, None, None))
"""


def test_each_is_called_when_it_is_due_in_the_order_of_needs(at_the_picture, load):
    seen = load(SYSTEMS).module.seen
    session, _ = at_the_picture("sim.ticks_per_s=150")  # five ticks a frame
    newest = session.newest_tick
    of = {name: [tick for each, tick, *_ in seen if each == name] for name in ("first", "second", "third")}
    assert of["second"] == list(range(0, newest + 1, 3))
    assert of["third"] == list(range(0, newest + 1, 10))
    assert len(of["first"]) == 20
    assert of["first"] == sorted(set(of["first"]))
    for index, (name, tick, *_) in enumerate(seen):
        if name == "second":
            before = [each for each, at, *_ in seen[:index] if each == "first" and at >= tick]
            assert before, f"first comes before second at tick {tick}"
    rows = {tick: (reward, state) for name, tick, reward, state in seen if name == "second"}
    reward, state = rows[newest - newest % 3]
    engine = session.engine
    np.testing.assert_array_equal(reward, engine.recent_row("reward", newest - newest % 3))
    np.testing.assert_array_equal(state, engine.recent_row("state", newest - newest % 3))
    session.plugins.close()
    assert [each[0] for each in seen if each[0] in ("began", "closed")] == ["began", "closed"]


def test_while_paused_only_frames_go_on_and_a_restart_begins_again(at_the_picture, load):
    seen = load(SYSTEMS).module.seen
    session, _ = at_the_picture()
    pause(session)
    seen.clear()
    turn(session, 3)
    assert [each[0] for each in seen] == ["first"] * 3
    session.restart({"run.seed": 9})
    turn(session, 2)
    names = [each[0] for each in seen]
    assert names.count("closed") == names.count("began") == 1
    assert ("second", 0) in [each[:2] for each in seen[3:]]


def test_a_file_that_is_loaded_again_takes_over_at_the_next_frame(at_the_picture, load, tmp_path):
    loaded = load(SYSTEMS)
    session, _ = at_the_picture()
    path = tmp_path / "mine.py"
    with replaced(path, path.read_bytes().replace(b'("first"', b'("new"')) as again:
        turn(session, 2)
    assert [each[0] for each in loaded.module.seen][-1] == "closed"
    assert [each[0] for each in again.module.seen if each[0] == "new"] == ["new"] * 2
    PLUGINS.withdraw(str(path))
    turn(session, 2)
    assert [each[0] for each in again.module.seen if each[0] == "new"] == ["new"] * 2


ASKS = """
    from valuescape.api import main_system

    told = {}

    @main_system(every=5)
    def asks(run):
        told["size"] = run.get("agents.size_px"), run.get("agents.count"), run.get("sim.ticks_per_s")
        told["folder"], told["numbers"] = run.folder, run.numbers
        run.set("agents.size_px", 11.0)
        run.say("hello")
        if run.tick == 10:
            run.alarm("too warm")
"""


def test_it_can_read_and_set_what_is_live_and_raise_alarms(at_the_picture, load, tmp_path):
    told = load(ASKS).module.told
    session, _ = at_the_picture("agents.size_px=5", "sim.ticks_per_s=60")
    assert session.viewer.value("agents.size_px") == 11
    assert told["size"][1:] == (60, 60)
    assert told["folder"] == tmp_path
    assert told["numbers"].workers == 0
    assert session.annotations().notice in ("hello", "too warm")
    assert [each.said for each in session.alerts.heard] == ["too warm"]
    parts = [name for name in session.meter.profiler.names if name.startswith("plug-in")]
    assert parts == ["plug-in asks"]
