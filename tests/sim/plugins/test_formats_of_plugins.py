"""Checkpoint formats of plug-ins: recognised, loaded and checked like the program's own."""

import json

import numpy as np
import pytest

from valuescape.model_files import preset_of
from valuescape.sim.errors import UsageError
from valuescape.sim.plugins import load_file
from valuescape.sim.plugins.failing import PluginFailedError
from valuescape.sim.policy.formats.known import FORMATS
from valuescape.sim.policy.inference import value
from valuescape.sim.policy.loading import load_checkpoint
from valuescape.sim.worlds import make_world

PLUGIN = """
    import json
    import numpy as np
    from valuescape.api import (
        Activation, ActorHead, Checkpoint, CriticKind, Layer, Mlp, checkpoint_format,
    )

    def linear(weight):
        weight = np.atleast_2d(np.array(weight))
        return Mlp((Layer(weight, np.zeros(len(weight)), Activation.IDENTITY),))

    @checkpoint_format(lambda path, head: head.startswith(b"MINE"), suffixes=(".mine",))
    def mine(path):
        fields = json.loads(path.read_bytes()[4:])
        return Checkpoint(
            algorithm="mine", world="", obs_dim=len(fields["critic"]),
            actor=linear(fields["actor"]), actor_head=ActorHead.CLIPPED,
            critics=(linear(fields["critic"]),), critic_kind=CriticKind.STATE_VALUE,
            action_low=-5.0, action_high=5.0, obs_normalization=None, gamma=0.9,
        )
"""
FIELDS = {"actor": [-1.0, -2.0], "critic": [0.5, 0.25]}


@pytest.fixture
def model(write, tmp_path):
    """Load the plug-in; returns a function that writes one of its files."""
    load_file(write(PLUGIN))

    def write_model(name="model.mine", **changes):
        path = tmp_path / name
        path.write_bytes(b"MINE" + json.dumps(FIELDS | changes).encode())
        return path

    return write_model


def test_a_file_is_found_by_its_content_and_on_the_command_line_by_its_suffix(model):
    checkpoint = load_checkpoint(model("any.name"), make_world("point_mass"))
    obs = np.array([[1, 2], [3, -1]], np.float32)
    np.testing.assert_allclose(value(checkpoint, obs), [0.5 + 0.75, 1 - 0.25])
    assert checkpoint.actor.layers[0].weight.dtype == np.float32
    assert not checkpoint.actor.layers[0].weight.flags.writeable
    path = model()
    name, changes = preset_of(str(path), ["world.name=point_mass"])
    assert (name, changes[0]) == ("demo", f'policy.checkpoint="{path}"')


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"critic": [float("nan"), 1.0]}, "critic 0 0 weight has 1 of 2 values that are NaN"),
        ({"actor": [[1.0, 2.0, 3.0]]}, "actor"),
        ({"critic": 3}, r"the checkpoint format 'mine' \(.*\) failed: line 16: TypeError"),
    ],
)
def test_a_file_that_is_not_sound_is_refused_by_name(model, changes, said):
    path = model(**changes)
    with pytest.raises(UsageError, match=said) as refusal:
        load_checkpoint(path, make_world("point_mass"))
    assert str(refusal.value).startswith(str(path))


def test_one_that_raises_while_it_looks_at_a_file_is_named(write, tmp_path):
    load_file(write(PLUGIN.replace('head.startswith(b"MINE")', "1 / 0")))
    (tmp_path / "other").write_bytes(b"other")
    with pytest.raises(PluginFailedError, match=r"the checkpoint format 'mine' .* ZeroDivisionError"):
        load_checkpoint(tmp_path / "other", make_world("point_mass"))


def test_without_the_plug_in_it_is_no_format():
    assert "mine" not in [each.name for each in FORMATS]
