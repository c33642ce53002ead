"""Generated parts of docs: they are what their scripts make of the stored results."""

import importlib
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[3] / "docs"
MEASURED = ["scale", "stress", "soak", "impact", "bench", "presets"]


def script(monkeypatch, folder, name):
    """Return a script of docs as a module."""
    monkeypatch.syspath_prepend(str(folder))
    return importlib.import_module(name)


@pytest.mark.parametrize("name", MEASURED)
def test_each_section_of_the_measured_page_is_made_of_stored_results(monkeypatch, name):
    sections = script(monkeypatch, DOCS, "report_sections")
    made = getattr(sections, f"{name}_section")()
    assert made in (DOCS / "measuring.md").read_text(encoding="utf-8")


def test_the_lessons_are_made_of_stored_results(monkeypatch):
    sections = script(monkeypatch, DOCS, "report_sections")
    page = (DOCS / "lessons_learned.md").read_text(encoding="utf-8")
    for made in (sections.limits_section(), sections.impact_section("###"), sections.anti_patterns_section()):
        assert made in page


def test_the_gallery_shows_every_command(monkeypatch):
    gallery = script(monkeypatch, DOCS / "gallery", "make")
    assert (DOCS / "gallery" / "README.md").read_text(encoding="utf-8") == gallery.page()
    assert all((DOCS / "gallery" / f"{each.name}.png").is_file() for each in gallery.PICTURES)
