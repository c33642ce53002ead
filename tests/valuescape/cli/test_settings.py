"""The list of settings, for the terminal and as a page."""

from pathlib import Path

import pytest

from valuescape.cli.settings import settings_markdown, show_settings
from valuescape.cli.terminal import Terminal
from valuescape.sim.config.model import Config, settings_of

PAGE = Path(__file__).parents[3] / "docs" / "configuration.md"


def test_the_page_is_what_the_command_prints():
    """Renew it: valuescape settings --markdown > docs/configuration.md."""
    assert PAGE.read_text(encoding="utf-8") == settings_markdown()


def test_every_setting_is_on_the_page():
    page = settings_markdown()
    assert all(f"## {name}" in page for name in Config.model_fields)
    for setting in settings_of().values():
        unit = setting.declared.unit or ""
        assert f"| `{setting.key}` |" in page
        assert f"| {unit} |" in page
        assert setting.field.description.replace("|", "\\|") in page


@pytest.mark.parametrize(
    ("section", "line"),
    [
        ("agents", "size_px = 7.0  # diameter of an agent's mark (px); live"),
        ("trails", "length = 64  # how far an agent's trail reaches back (ticks); restart"),
        ("render", "width = 1280  # width of the picture (px); next start"),
        ("render", "tone_mapping = false  # let the brightest"),
    ],
)
def test_the_list_tells_unit_and_when_a_change_applies(capsys, section, line):
    show_settings(Terminal(), section)
    assert line in capsys.readouterr().out
