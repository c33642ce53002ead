"""The gallery's page and the README show the commands that its pictures are made by."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def gallery(monkeypatch):
    """The program that makes the gallery; it imports a module that lies beside it."""
    monkeypatch.syspath_prepend(ROOT / "docs/gallery")
    spec = importlib.util.spec_from_file_location("gallery_make", ROOT / "docs/gallery/make.py")
    module = sys.modules["gallery_make"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_up_to_date(gallery):
    assert (ROOT / "docs/gallery/README.md").read_text(encoding="utf-8") == gallery.page()


def test_the_readme_s_picture_is_made_by_the_command_above_it(gallery):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [(command, name)] = re.findall(
        r"valuescape (run [^#\n]*?) *#[^\n]*\n```\n\n\[!\[[^]]*\]\(docs/gallery/(.*?)\.png\)", readme
    )
    picture = next(each for each in gallery.PICTURES if each.name == name)
    settings = "".join(f" --set {setting}" for setting in picture.settings)
    assert command == f"run {picture.preset}{settings}"
