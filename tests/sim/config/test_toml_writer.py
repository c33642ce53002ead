"""Configurations written as TOML are read back as they were, and the comments say what stands there."""

import tomllib

import pytest
from hypothesis import example, given, settings
from random_configs import configurations

from valuescape.sim.config.files import load_config
from valuescape.sim.config.model import Config
from valuescape.sim.config.toml_writer import commented_toml, config_toml, toml_value


def having(*overrides):
    return load_config(None, overrides)


@settings(max_examples=150, deadline=None)
@example(having("policy.checkpoint='\U0001f600 \\x7f'"))
@example(having("run.seed=18446744073709551615", "heatmap.low=-1e30"))
@given(configurations())
def test_what_is_written_is_read_back(config):
    for text in (config_toml(config), commented_toml(config, Config())):
        assert Config.model_validate(tomllib.loads(text)) == config


def test_only_what_differs_from_the_defaults_is_written(tmp_path):
    config = having("trails.opacity=0.25", "agents.count=7", "trails.length=64")
    assert config_toml(config) == "[agents]\ncount = 7\n\n[trails]\nopacity = 0.25\n"
    path = tmp_path / "mine.toml"
    path.write_text(commented_toml(config, Config()))
    assert load_config(path) == config


def test_a_comment_tells_meaning_unit_default_and_the_value_before():
    started = having("trails.width_px=3", "trails.opacity=0.5")
    config = having("trails.width_px=2", "trails.opacity=0.5", "heatmap.contours=4")
    assert commented_toml(config, started).splitlines() == [
        *("[trails]", "# width of a trail (px); default: 1.6; before: 3.0", "width_px = 2.0"),
        "# opacity of the newest end; it fades towards the oldest; default: 0.85",
        *("opacity = 0.5", "", "[heatmap]"),
        *("# contour lines over the colour scale; default: 12", "contours = 4"),
    ]


@pytest.mark.parametrize(
    "value",
    [
        {"gravity": "8..12", "length of the pole": 0.5, "ä": [1, "two", True]},
        [],
        {},
        '\x00\x1f\x7f"\\\n\t\u2028',
    ],
)
def test_tables_lists_and_any_text_are_values(value):
    assert tomllib.loads(f"value = {toml_value(value)}") == {"value": value}
