"""`analyze` in Python: the numbers, maps and files of the command."""

import json

import numpy as np
import pytest

import valuescape
from valuescape.presets import configs_dir

FEW = {"episodes": 12, "cells": 8, "rollouts": 2}
OPTIONS = [f"--{name}={value}" for name, value in FEW.items()]


SHIPPED = configs_dir() / "checkpoints" / "pendulum.safetensors"


def test_the_results_are_the_commands(cli, monkeypatch):
    """But for its files, which take seconds."""
    written = []
    monkeypatch.setattr("valuescape.analysis.output.write", lambda found, *_: written.append(found) or [""])
    status, _, errors = cli("analyze", SHIPPED, "--seed", 5, "--out", "by-command", *OPTIONS)
    assert status == 0, errors
    (expected,) = written
    found = valuescape.analyze(SHIPPED, seed=5, **FEW)
    assert found.numbers == expected.numbers
    np.testing.assert_array_equal(found.maps["value"].values, expected.maps.value)
    np.testing.assert_array_equal(found.maps["truth"].values, expected.maps.truth.value)
    np.testing.assert_array_equal(found.maps["error"].significant, expected.significant)
    assert any("promises" in each for each in found.findings)
    shown = found._repr_html_()
    assert f"<td>mean_return</td><td>{found.numbers['mean_return'].value:.4g}</td>" in shown
    assert shown.count("<li>") == len(found.findings)


def test_it_writes_the_commands_files(tmp_path, monkeypatch):
    monkeypatch.setattr("valuescape.analysis.output.write_pictures", lambda *_: [])
    monkeypatch.setattr("valuescape.analysis.output._map_chapters", lambda _: [])
    found = valuescape.analyze("pendulum", **FEW)
    files = found.write(tmp_path / "out")
    assert {each.name for each in files} == {"report.html", "summary.json", "arrays.npz"}
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["mean_return"]["value"] == found.numbers["mean_return"].value
    assert summary["config"]["run"]["seed"] == 0


def test_several_models_are_compared():
    other = valuescape.load("pendulum").checkpoint
    found = valuescape.analyze("pendulum", valuescape.load(other), **FEW)
    assert isinstance(found, valuescape.Comparison)
    assert len(found.analyses) == 2
    (difference,) = found.differences
    assert difference["mean_return"].value == 0
    with pytest.raises(valuescape.UsageError, match="compare in one world"):
        valuescape.analyze("pendulum", "cartpole", **FEW)


def test_progress_is_told_and_can_end_it():
    told = []
    found = valuescape.analyze(
        "pendulum", **FEW, on_progress=lambda what, share: told.append((what, share)) or len(told) < 4
    )
    assert not found.complete
    assert told[0][0] == "episodes"


@pytest.mark.parametrize("option", [{"episodes": 1}, {"cells": 3}, {"seed": -1}, {"episodez": 3}])
def test_options_that_do_not_fit_are_told(option):
    with pytest.raises(valuescape.UsageError, match=next(iter(option))):
        valuescape.analyze("pendulum", **option)
