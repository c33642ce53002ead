"""The notebooks of examples/: they run from start to end, and readers see pictures without a kernel."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "examples" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))

nbformat = pytest.importorskip("nbformat")

SMALLER = {
    **{"cells=64": "cells=16", "cells=40": "cells=16", "resolution=48": "resolution=16"},
    **{"learn(8192)": "learn(1024)", "learn(5_120": "learn(1_024"},
}
"""Numbers of the notebooks, and those that they are tried with: the same cells run, in a part of the time."""


def smaller(path, folder):
    """Return a copy of a notebook with smaller numbers."""
    text = path.read_text(encoding="utf-8")
    copy = folder / path.name
    for number, less in SMALLER.items():
        text = text.replace(number, less)
    assert text != path.read_text(encoding="utf-8")
    copy.write_text(text, encoding="utf-8")
    return copy


@pytest.mark.gpu
@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_from_start_to_end(path, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # small networks learn five times as fast beside other work
    execute = __import__("execute")
    done = execute.executed(smaller(path, tmp_path), tmp_path)
    outputs = [each for cell in done.cells for each in cell.get("outputs", [])]
    assert [each for each in outputs if each.output_type == "error" or each.get("name") == "stderr"] == []
    assert sum("image/png" in each.get("data", {}) for each in outputs) >= 2
    kept = execute.without_widgets(done)
    shown = [each["data"] for cell in kept.cells for each in cell.get("outputs", []) if "data" in each]
    assert not any("image/png" in data and len(data) > 2 for data in shown), "a picture and its text, no more"
    sys.modules.pop("execute")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_with_pictures_and_is_small(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    outputs = [each for cell in notebook.cells for each in cell.get("outputs", [])]
    assert sum("image/png" in each.get("data", {}) for each in outputs) >= 2
    assert path.stat().st_size < 1_000_000
    assert "widgets" not in notebook.metadata
