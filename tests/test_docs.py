"""The pages: every link leads somewhere, every path that they name is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
MADE = ("runs/", "dist/", ".venv")
"""Places that a reader's own commands make."""


def prose(page):
    """Return a page's text without its blocks of code."""
    return re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def anchors(page):
    """Return the names by which a page's headings are linked to."""
    titles = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", re.sub(r"[`*]", "", title.strip()).lower()) for title in titles)
    return {title.replace(" ", "-") for title in plain}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target in re.findall(r"\[(?:[^][]|\[[^]]*\])*\]\(([^)]+)\)", prose(page)):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_paths_are_there(page):
    """Of folders and files in backticks; placeholders are in capitals, as `tests/ROOM/`."""
    for code in re.findall(r"`([\w\-./]+/|[\w\-./]+/[\w\-.]+\.\w+)`", prose(page)):
        if not code.startswith(("/", "~", *MADE)) and not re.search(r"[A-Z]{3}", code):
            assert (ROOT / code).exists() or (page.parent / code).exists(), code
