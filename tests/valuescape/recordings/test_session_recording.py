"""Sessions that are changed while they go on: recorded, and made again with any number of workers."""

import json
import random
import time
import zipfile

import pytest
from crowds import SMALL, small
from hands import SMALL as HANDS
from hands import Hands, does, turn

from valuescape.cli.app import run_cli
from valuescape.presets import checkpoint_of
from valuescape.recordings.contents import About
from valuescape.recordings.recording import Recording
from valuescape.recordings.replay import RunDiffersError, replay
from valuescape.recordings.session_recorder import SessionRecorder
from valuescape.render.displays.events import Action, Key
from valuescape.render.view.changes import Restart, Set
from valuescape.run.length import RunLength
from valuescape.run.outputs import Outputs
from valuescape.run.session import Session
from valuescape.sim.config.files import changed, load_config
from valuescape.sim.engine import Engine
from valuescape.sim.errors import UsageError

CHANGES = 50


def choose(index, rng):
    """Return a change that somebody may make: (setting, value). Those of crews take seconds."""
    slow = {9: ("agents.count", 120), 24: ("workers.count", 2), 39: ("agents.count", 50)}
    return slow.get(index, ("policy.exploration", round(rng.random(), 2)))


def frames(engine, recorder, until, most_s=60.0):
    """Look at the engine as frames do, until a condition holds."""
    end = time.monotonic() + most_s
    while not until():
        assert time.monotonic() < end
        engine.check()
        recorder.note(engine)
        time.sleep(0.001)


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    """Return the recording of a session with fifty changes at ticks that the machine's speed chose."""
    path, rng = tmp_path_factory.mktemp("session") / "session.vsz", random.Random(3)
    config = small("workers.count=1", "features.simd=false")
    with Engine(config, checkpoint_of(config)) as engine:
        engine.wait_ready()
        with SessionRecorder(path, engine) as recorder:
            engine.set_pace(100.0)
            engine.run_freely()
            for index in range(CHANGES):
                at = engine.newest_tick
                engine.change(changed(engine.asked.config, dict([choose(index, rng)])))
                frames(engine, recorder, lambda at=at: not engine.changing and engine.newest_tick > at)
            engine.rest()
            recorder.end(engine)
            assert len(engine.changes) == CHANGES
    return path


def equal_ticks(path, workers):
    found = []
    with Recording(path) as recording:
        replay(recording, workers=workers, on_equal=lambda sample: found.append(sample.tick))
        return found, recording.about


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.chaos)])
def test_a_session_with_fifty_changes_ends_in_the_same_hash(session, workers):
    ticks, about = equal_ticks(session, workers)
    assert ticks == [each.tick for each in about.samples]
    assert about.samples[-1].changes == len(about.changes)
    assert {name for each in about.changes for name in each.settings} == {
        "policy.exploration",
        "agents.count",
        "workers.count",
    }


def rewritten(path, target, change):
    """Write a copy of a recording with another description."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "recording.json":
                tables = json.loads(content)
                change(tables)
                content = json.dumps(tables).encode()
            new.writestr(name, content)
    return target


def test_a_change_one_tick_later_is_another_run(session, tmp_path):
    def later(tables):
        tables["changes"][-1]["tick"] += 1

    path = rewritten(session, tmp_path / "later.vsz", later)
    with Recording(path) as recording, pytest.raises(RunDiffersError, match="differs at tick"):
        replay(recording, workers=0)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"plugins.modules": "os"}, "plugins.modules is no setting that can change during a run"),
        ({"agents.count": -4}, "cannot be made again: "),
        ({"policy.steps": 77}, "cannot be made again: "),
    ],
)
def test_changes_that_cannot_be_are_refused(session, tmp_path, settings, said):
    def change(tables):
        tables["changes"][0]["settings"] = settings

    path = rewritten(session, tmp_path / "wrong.vsz", change)
    with Recording(path) as recording, pytest.raises(UsageError, match=r"wrong\.vsz: ") as raised:
        replay(recording, workers=0)
    assert said in str(raised.value)


def test_recordings_of_the_first_format_are_read(session, tmp_path):
    def older(tables):
        tables["format"] = "valuescape-recording-1"
        del tables["changes"]
        tables["samples"] = tables["samples"][:1]
        del tables["samples"][0]["changes"]

    ticks, about = equal_ticks(rewritten(session, tmp_path / "older.vsz", older), 0)
    assert (ticks, about.changes, about.format) == ([0], [], "valuescape-recording-1")


@pytest.mark.gpu
def test_what_a_person_changes_is_made_again(tmp_path):
    """While it runs and while it is paused; after a restart the recording begins anew."""
    path, config = tmp_path / "run.vsz", load_config(None, [*HANDS, "features.simd=false"])
    outputs = Outputs(tmp_path, session=path)
    with Session(config, RunLength(), outputs, headless=True, display=Hands()) as session:
        session.pace.start()
        turn(session, 5)
        session.controls.apply(Restart({"agents.count": 50}))
        turn(session, 10)
        session.controls.apply(Set("policy.exploration", 0.5))
        turn(session, 5)
        does(session, Key(Action.PAUSE), frames=2)
        session.controls.apply(Set("agents.count", 65))
        turn(session, 3)
        does(session, Key(Action.PAUSE), frames=5)
        session.stop()
        session.run()
    ticks, about = equal_ticks(path, None)
    settings = [each.settings for each in about.changes]
    assert settings == [{"policy.exploration": 0.5}, {"agents.count": 65}]
    assert about.config.agents.count == 50
    assert [each.changes for each in about.samples] == [0, 2, 2]
    assert len(ticks) == 3


def test_a_run_with_pictures_keeps_a_recording(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    changes = [
        part
        for each in (*SMALL, "policy.checkpoint=random", "features.simd=false")
        for part in ("--set", each)
    ]
    options = "--headless", "--ticks", "40", "--record-session", "run.vsz", "--out", "out"
    assert run_cli(["run", "demo", *options, *changes, "--set", "run.record=false"]) == 0
    assert "wrote run.vsz" in capsys.readouterr().out
    with Recording(tmp_path / "run.vsz") as recording:
        assert isinstance(recording.about, About)
        assert [each.tick for each in recording.about.samples] == [0, 40]
    assert run_cli(["replay", "run.vsz", "--workers", "1"]) == 0
    assert "equal at all 2 ticks" in capsys.readouterr().out
