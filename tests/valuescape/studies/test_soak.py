"""Soaks find leaks: planted ones in real runs, and made-up figures that grow."""

import json
import math
import os

import moderngl
import pytest
from commands import SMALL

from valuescape.cli.app import run_cli
from valuescape.sim.config.files import load_config
from valuescape.sim.interrupts import Interrupts
from valuescape.studies import soak as soak_module
from valuescape.studies.soak import Sample, growing, soak
from valuescape.studies.stress_report import soak_lines, soak_table

TINY = [*SMALL, "workers.count=0", "world.name=mountain_car", "agents.count=30"]


def samples_of(counts):
    """Return samples a second apart with these numbers of open files."""
    return [Sample(float(at), 0, 7, files, 3, 12, 2) for at, files in enumerate(counts)]


@pytest.mark.parametrize(
    ("counts", "grows"),
    [
        ([20] * 60, False),
        ([20, 30] * 30, False),  # up and down with the work
        ([10] * 4 + [25] * 56, False),  # made once, at the start
        ([20] * 30 + [21] * 30, True),
        ([20 + at // 10 for at in range(60)], True),
        ([80 - at for at in range(60)], False),
        ([20 + at // 2 + at % 2 for at in range(60)], True),
        ([20, 21], False),  # too few to tell
    ],
)
def test_what_grows_is_told_from_what_comes_and_goes(counts, grows):
    said = growing(samples_of(counts))
    assert len(said) == grows
    if grows:
        assert said[0].startswith("files: ")


def soaked(monkeypatch, leak, seconds=2.0):
    """Return a short soak's result; `leak` is called with each sample."""
    looked_at = soak_module.sample

    def sample_and_leak(memory, at_s, fps):
        leak()
        return looked_at(memory, at_s, fps)

    monkeypatch.setattr(soak_module, "sample", sample_and_leak)
    with Interrupts() as interrupts:
        return soak(load_config(None, TINY), seconds, interrupts)


@pytest.mark.gpu
def test_planted_leaks_are_found_and_a_tidy_run_has_none(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    tidy = soaked(monkeypatch, lambda: None)
    assert len(tidy.samples) > 6
    assert tidy.grows == []
    assert math.isnan(tidy.memory_mb_per_min)  # too short to tell
    assert "Nothing grows." in " ".join(soak_lines(tidy))
    assert len(soak_table(tidy)) > 2

    leaked = []
    try:
        leaky = soaked(monkeypatch, lambda: leaked.extend(os.pipe()))
    finally:
        for each in leaked:
            os.close(each)
    assert [said.partition(":")[0] for said in leaky.grows] == ["files"]


@pytest.mark.gpu
def test_opengl_objects_that_python_has_forgotten_are_a_leak_too(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    def forget_a_buffer():
        moderngl.get_context().buffer(reserve=16)

    leaky = soaked(monkeypatch, forget_a_buffer)
    assert [said.partition(":")[0] for said in leaky.grows] == ["GL objects"]


@pytest.mark.gpu
def test_the_command_soaks_and_writes_its_reports(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    options = [part for each in TINY for part in ("--set", each)]
    status = run_cli(["stress", "--minutes", "0.03", "--json", "soak.json", "--report", "s.html", *options])
    assert status == 0
    assert "Nothing grows." in capsys.readouterr().out
    figures = json.loads((tmp_path / "soak.json").read_text(), parse_constant=pytest.fail)
    assert figures["grows"] == []
    assert figures["samples"][0]["memory"] > 1e7
    assert (tmp_path / "s.html").read_text().count("data:image/svg+xml") == 3
