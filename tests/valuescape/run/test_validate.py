"""All checks of a configuration in one call: each names the key, its value and what was expected."""

import warnings

import pytest
import torch

from valuescape.run.validate import validate
from valuescape.sim.config.files import load_config
from valuescape.sim.config.model import Config
from valuescape.sim.errors import UsageError


def complaint(*settings):
    with pytest.raises(UsageError) as refusal:
        validate(load_config(None, settings))
    return str(refusal.value)


def test_a_sound_configuration_gives_its_checkpoint():
    checkpoint = validate(load_config(None, ["world.name=pendulum"]))
    assert checkpoint.world == "pendulum"
    assert validate(load_config(None, ["policy.checkpoint=random"])) is None


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["heatmap.low=2", "heatmap.high=2"], "heatmap.low = 2, expected less than heatmap.high = 2"),
        (["trails.renderer=compute", "render.msaa=4"], "trails.renderer = 'compute', but render.msaa = 4"),
        (["health.alarms=fpss < 3"], "health.alarms: 'fpss' is no figure of a run\n  expected fps,"),
        (["health.alarms=fps 3"], "health.alarms: 'fps 3', expected a figure"),
        (["world.name=pendulm"], "world.name: 'pendulm' is unknown\n  did you mean pendulum?"),
        (["heatmap.axes=a, b"], "heatmap.axes = 'a, b': 'a' is no state variable"),
        (["world.name=cartpole", "render.place=1e9, 0"], "render.place = '1e9, 0'"),
        (["render.place=here"], "render.place = 'here', expected two numbers"),
        (["world.name=cartpole", "heatmap.slice=cart velocity=1e9"], "heatmap.slice = 'cart velocity=1e9'"),
        (["policy.checkpoint=/nowhere.zip"], "/nowhere.zip: there is no such file"),
        (["policy.checkpoint=random", "trails.color_by=value"], "trails.color_by = 'value', but there is no"),
    ],
    ids=lambda each: each[-1] if isinstance(each, list) else "",
)
def test_what_does_not_fit_is_named_with_key_value_and_expectation(settings, said):
    assert said in complaint(*settings)


def test_a_critic_without_its_discount_has_no_td_errors(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch advises torch.export
        torch.jit.script(torch.nn.Linear(2, 1)).save(tmp_path / "critic.pt")
    critic = [f"policy.torchscript_critic={tmp_path / 'critic.pt'}", "policy.checkpoint=random"]
    assert "discount (gamma) the critic learned is unknown" in complaint(*critic, "trails.color_by=td_error")
    assert validate(load_config(None, [*critic, "trails.color_by=value"])) is None


def test_a_value_that_no_file_could_have_is_found():
    """As code may make it, past the checks of `Config`."""
    config = Config()
    render = config.render.model_copy(update={"glow": 9.0})
    with pytest.raises(UsageError, match=r"render.glow = 9.0, expected a number from 0 to 2"):
        validate(config.model_copy(update={"render": render}))
