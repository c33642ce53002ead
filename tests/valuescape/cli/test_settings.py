"""The list of settings, and the page that is made of it."""

from pathlib import Path

from valuescape.cli.settings import settings_markdown
from valuescape.sim.config.model import LIVE, Config

PAGE = Path(__file__).parents[3] / "docs" / "configuration.md"


def test_the_page_is_what_the_command_prints():
    """Renew it: valuescape settings --markdown > docs/configuration.md."""
    assert PAGE.read_text(encoding="utf-8") == settings_markdown()


def test_every_setting_is_on_the_page():
    page = settings_markdown()
    for name, info in Config.model_fields.items():
        assert f"## {name}" in page
        for key, setting in info.annotation.model_fields.items():
            assert f"| `{key}` |" in page
            assert setting.description
            assert setting.description.replace("|", "\\|") in page


def test_what_is_live_is_a_setting():
    known = {
        f"{name}.{key}" for name, info in Config.model_fields.items() for key in info.annotation.model_fields
    }
    assert known > LIVE
