"""The pages about Python: their examples run, and the reference is up to date and complete."""

import doctest
import importlib.util
from pathlib import Path

import valuescape

DOCS = Path(__file__).parents[3] / "docs"


def test_the_examples_of_the_guide_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (DOCS / "python.md").read_text(encoding="utf-8")
    test = doctest.DocTestParser().get_doctest(text, {}, "python.md", "python.md", 0)
    assert len(test.examples) > 25
    said = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    assert runner.run(test, out=said.append).failed == 0, "".join(said)


def reference():
    spec = importlib.util.spec_from_file_location("api_reference", DOCS / "api_reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_is_up_to_date():
    assert reference().page() == (DOCS / "api.md").read_text(encoding="utf-8"), "make api"


def test_the_reference_has_every_name():
    assert reference().chaptered() == set(valuescape.__all__) - {"__version__"}
