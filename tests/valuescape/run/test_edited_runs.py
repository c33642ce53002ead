"""A run whose configuration is edited again and again, well and badly, by another thread."""

import random
import threading
import time

import pytest
from hands import SMALL, Hands

from valuescape import remarks
from valuescape.run.config_file import ConfigFile
from valuescape.run.length import RunLength
from valuescape.run.outputs import Outputs
from valuescape.run.session import Session
from valuescape.sim.engine import Engine

pytestmark = [pytest.mark.gpu, pytest.mark.chaos, pytest.mark.slow]

EDITS = 200
LAST = {"render.glow": 1.75}
STARTED = {"agents.count": 40, "world.name": '"cartpole"', "render.glow": 0.5}
CHOICES = {
    "agents.count": (20, 40, 61),
    "policy.exploration": (0.0, 0.3, 0.8),
    "workers.count": (0, 1),
    "trails.width_px": (1.0, 3.0),
    "heatmap.contours": (0, 7),
    "render.view": ('"2d"', '"3d"'),
}
RESTARTS = {"trails.length": (8, 16)}
BROKEN = {
    "agents.count": ("-3", "x", '"many"'),
    "trails.opacity": (7,),
    "render.glwo": (1,),
    "world.name": ('"nowhere"',),
    "heatmap.slice": ('"x=1"',),
}


def text(settings):
    """Return the settings as a file, a table for each section."""
    lines, sections = [], {name.partition(".")[0] for name in settings}
    for section in sorted(sections):
        keys = {name.partition(".")[2]: settings[name] for name in settings if name.startswith(f"{section}.")}
        lines += [f"[{section}]", *(f"{key} = {value}" for key, value in keys.items())]
    return "\n".join(lines) + "\n"


class Editor(threading.Thread):
    """Edits a file EDITS times, in the ways that people and their editors do; the last version is LAST."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path, self.rng, self.settings = path, random.Random(7), dict(STARTED)

    def run(self):
        for edit in range(EDITS):
            self.choices = CHOICES | RESTARTS if edit < EDITS / 2 else CHOICES
            self.rng.choice([self.well, self.well, self.well, self.badly, self.by_rename, self.by_halves])()
            time.sleep(self.rng.choice((0.0, 0.05, 0.2, 0.3)))
        self.path.write_text(text(self.settings | LAST))

    def well(self):
        name = self.rng.choice(list(self.choices))
        self.settings[name] = self.rng.choice(self.choices[name])
        self.path.write_text(text(self.settings))

    def badly(self):
        name = self.rng.choice(list(BROKEN))
        self.path.write_text(text(self.settings | {name: self.rng.choice(BROKEN[name])}))

    def by_rename(self):
        other = self.path.with_suffix(".tmp")
        other.write_text(text(self.settings))
        other.rename(self.path)

    def by_halves(self):
        whole = text(self.settings)
        self.path.write_text(whole[: self.rng.randrange(len(whole))])
        time.sleep(0.1)
        self.path.write_text(whole)


def test_a_run_survives_two_hundred_edits_and_ends_as_its_changes_say(tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr(remarks, "_listeners", [told.append])
    path = tmp_path / "mine.toml"
    path.write_text(text(STARTED))
    few = tuple(each for each in SMALL if each.partition("=")[0] not in CHOICES | RESTARTS)
    few += ("render.max_fps=30",)  # edits are waited for, most of the time
    file = ConfigFile.named(str(path), few)
    editor, engines = Editor(path), {}
    with Session(file.config, RunLength(), Outputs(tmp_path), headless=True, display=Hands()) as session:
        session.reloading.begin(file)

        def look(_):
            engines.setdefault(session.engine, session.engine.config)
            if not editor.is_alive() and session.viewer.looks.render.glow == LAST["render.glow"]:
                session.stop()

        editor.start()
        began = time.monotonic()
        session.run(lambda progress: look(progress) if time.monotonic() - began < 100 else session.stop())
        assert not editor.is_alive()
        engine = session.engine
        ended = engine.newest_tick, engine.state_hash()
        config, changes, checkpoint = engines[engine], list(engine.changes), session.stage.checkpoint
        assert session.viewer.looks.render.glow == LAST["render.glow"]
    assert len([each for each in told if "(live)" in each or "(restart)" in each]) > EDITS / 8
    assert len(engines) > 2  # it began anew several times
    assert len(changes) > 4  # and its last engine changed
    assert any("expected" in each for each in told)
    assert (ended[0], _replayed(config, checkpoint, changes, ended[0])) == ended


def _replayed(config, checkpoint, changes, tick):
    """Return the hash of a run that makes the same changes at the same ticks."""
    with Engine(config, checkpoint) as engine:
        engine.wait_ready()
        for change in changes:
            engine.advance_to(change.tick)
            engine.change(change.config)
            engine.finish_change()
        engine.advance_to(tick)
        assert [each.tick for each in engine.changes] == [each.tick for each in changes]
        return engine.state_hash()
