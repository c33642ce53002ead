"""Presets that a run saves: they start the run as it is, say what they are, and overwrite nothing."""

import pytest
from hands import SMALL

from valuescape.render.view.changes import SavePreset, Set
from valuescape.sim.config.files import load_config

pytestmark = pytest.mark.gpu


def saved(session, name="mine", *, here=False):
    session.controls.apply(SavePreset(name, here))
    return session.annotations().notice


def test_the_file_starts_the_run_as_it_is(at_the_picture):
    session, _ = at_the_picture("trails.width_px=3")
    session.controls.apply(Set("trails.opacity", 0.25))
    session.controls.apply(Set("lod.segment_budget", 64))
    path = session.outputs.folder / "mine.toml"
    assert saved(session) == f"saved; start it with: valuescape run {path}"
    changes = ["trails.width_px=3", "trails.opacity=0.25", "lod.segment_budget=64"]
    assert load_config(path) == load_config(None, [*SMALL, *changes])
    text = path.read_text()
    assert "# Changed in that run: trails.opacity, lod.segment_budget.\n" in text
    assert "# opacity of the newest end; it fades towards the oldest; default: 0.85\nopacity = 0.25" in text


def test_a_file_that_is_there_stays(at_the_picture):
    session, _ = at_the_picture()
    for _ in range(3):
        saved(session)
    names = sorted(path.name for path in session.outputs.folder.glob("mine*.toml"))
    assert names == ["mine-2.toml", "mine-3.toml", "mine.toml"]


def test_it_is_written_to_the_current_folder_if_that_is_wanted(at_the_picture, tmp_path, monkeypatch):
    session, _ = at_the_picture()
    monkeypatch.chdir(tmp_path)
    assert saved(session, "calm water.toml", here=True).endswith("valuescape run 'calm water.toml'")
    assert load_config(tmp_path / "calm water.toml") == session.config


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "end.", "x" * 90, "nul\0"])
def test_a_name_that_is_none_for_a_file_is_refused(at_the_picture, name):
    session, _ = at_the_picture()
    why_not = session.controls.apply(SavePreset(name, here=False))  # which a page says at its field
    assert "is no name for a preset" in why_not
    assert session.annotations().notice == why_not
    assert not list(session.outputs.folder.glob("*.toml"))
