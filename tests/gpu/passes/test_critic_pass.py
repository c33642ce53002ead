"""The critic's field: compute shaders against torch on the same grid."""

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from networks import random_mlp

from valuescape.gpu.context import driver_info
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.passes.critic import _COLUMNS, CriticPass
from valuescape.gpu.passes.uploaded_field import UploadedField
from valuescape.presets import find_checkpoint
from valuescape.run.critic_field import critic_and_landscape
from valuescape.run.field_backend import Backend, backend_of
from valuescape.sim.config.files import Config, load_config
from valuescape.sim.insight.plane import grid_obs, network_inputs, own_plane
from valuescape.sim.policy.loading import load_checkpoint
from valuescape.sim.policy.network import (
    Activation,
    ActorHead,
    Checkpoint,
    CriticKind,
    Layer,
    Mlp,
    ObsNormalization,
    RewardNormalization,
)
from valuescape.sim.policy.reference import TorchCheckpoint
from valuescape.sim.worlds import make_world

pytestmark = pytest.mark.gpu

TOLERANCE = 1e-4
"""Relative. Where a field crosses zero, relative to a hundredth of its greatest magnitude."""

SHIPPED = sorted((Path(__file__).parents[3] / "configs" / "checkpoints").glob("*.safetensors"))


def checkpoint_of(kind, *hidden, activation=Activation.RELU, world="point_mass", **changes):
    """A checkpoint with hidden layers of the given widths; `changes` replace its fields."""
    place = make_world(world)
    obs = len(place.obs)
    actions = {CriticKind.DISCRETE_ACTION_VALUE: 3}.get(kind, 1)
    actor = random_mlp((obs, *hidden, actions), activation, Activation.TANH)
    critics = {
        CriticKind.STATE_VALUE: lambda: (random_mlp((obs, *hidden, 1), activation, seed=1),),
        CriticKind.ACTION_VALUE: lambda: tuple(
            random_mlp((obs + 1, *hidden, 1), activation, seed=seed) for seed in (1, 2)
        ),
        CriticKind.MEAN_ACTION_VALUE: lambda: tuple(
            random_mlp((obs + 1, *hidden, 1), activation, seed=seed) for seed in (1, 2, 3)
        ),
        CriticKind.DISCRETE_ACTION_VALUE: lambda: (random_mlp((obs, *hidden, 3), activation, seed=1),),
    }[kind]()
    bound = np.ones(1, np.float32)
    checkpoint = Checkpoint(
        algorithm="test",
        world=world,
        obs_dim=obs,
        actor=actor,
        actor_head=ActorHead.SQUASHED,
        critics=critics,
        critic_kind=kind,
        action_low=-bound,
        action_high=bound,
        obs_normalization=None,
        gamma=0.99,
    )
    return replace(checkpoint, **changes)


def torch_field(checkpoint, edge):
    obs = np.ascontiguousarray(grid_obs(own_plane(make_world(checkpoint.world)), edge).T)
    return TorchCheckpoint(checkpoint).value(torch.from_numpy(obs)).numpy().reshape(edge, edge)


def gpu_field(gl, checkpoint, edge):
    field = CriticPass(gl, checkpoint, edge, FrameMeter())
    try:
        field.compute(network_inputs(own_plane(make_world(checkpoint.world)), checkpoint, edge))
        return field.read()
    finally:
        field.release()


def error(found, expected):
    """Return the greatest relative error; see TOLERANCE."""
    floor = 0.01 * np.abs(expected).max()
    return float((np.abs(found - expected) / np.maximum(np.abs(expected), floor)).max())


def assert_same_field(gl, checkpoint, edge):
    expected = torch_field(checkpoint, edge)
    assert np.ptp(expected) > 0.1, "a flat field would hide anything"
    found = gpu_field(gl, checkpoint, edge)
    assert found.shape == (edge, edge)
    assert error(found, expected) <= TOLERANCE


@pytest.mark.parametrize("kind", list(CriticKind))
@pytest.mark.parametrize("widths", [(64, 64), (256, 256)], ids=["64", "256"])
def test_a_field_is_torch_s(gl, kind, widths):
    """Layers of 256 units are 65,536 products: past the turns that llvmpipe gives one invocation."""
    assert_same_field(gl, checkpoint_of(kind, *widths), 64)


@pytest.mark.parametrize("activation", list(Activation))
def test_every_activation_is_torch_s(gl, activation):
    assert_same_field(gl, checkpoint_of(CriticKind.ACTION_VALUE, 32, 32, activation=activation), 32)


@pytest.mark.parametrize("activation", list(Activation))
def test_activations_stay_right_far_from_zero(gl, activation):
    """Large inputs are where an exponential overflows."""
    first = Layer(
        np.array([[200, 0], [0, -60], [3, 3]], np.float32), np.zeros(3, np.float32), Activation.IDENTITY
    )
    second = Layer(np.eye(3, dtype=np.float32), np.zeros(3, np.float32), activation)
    last = Layer(np.array([[1, 1, 1]], np.float32), np.full(1, 2, np.float32), Activation.IDENTITY)
    critic = Mlp((first, second, last))
    checkpoint = checkpoint_of(CriticKind.STATE_VALUE, 4, critics=(critic,))
    assert_same_field(gl, checkpoint, 33)


@pytest.mark.parametrize("widths", [(5,), (13, 5), (1, 3, 9), (8, 16), (300, 40)], ids=str)
@pytest.mark.parametrize("kind", list(CriticKind))
def test_widths_need_not_be_multiples_of_eight(gl, kind, widths):
    assert_same_field(gl, checkpoint_of(kind, *widths, activation=Activation.TANH), 24)


@pytest.mark.parametrize("edge", [8, 33, 91, 100, 128, 181])
def test_edges_need_not_fill_a_chunk(gl, edge):
    """91^2 texels are one chunk and a remainder, 128^2 two chunks, 181^2 five: the last are at risk."""
    assert 91**2 > _COLUMNS > 33**2
    assert_same_field(gl, checkpoint_of(CriticKind.ACTION_VALUE, 16, 16), edge)


def test_a_critic_without_hidden_layers(gl):
    """Its actor writes behind its own input, in one buffer."""
    assert_same_field(gl, checkpoint_of(CriticKind.ACTION_VALUE), 32)


def test_observations_of_three_numbers(gl):
    for kind in CriticKind:
        assert_same_field(gl, checkpoint_of(kind, 24, world="pendulum"), 33)


def test_observations_are_normalised_and_clipped(gl):
    normalization = ObsNormalization(np.array([0.4, -1], np.float32), np.array([0.5, 2], np.float32), 1.5)
    for kind in CriticKind:
        plain = checkpoint_of(kind, 16)
        normalized = replace(plain, obs_normalization=normalization)
        assert error(torch_field(normalized, 32), torch_field(plain, 32)) > 0.1
        assert_same_field(gl, normalized, 32)


def test_an_actor_s_outputs_are_clipped(gl):
    """As gSDE's Hardtanh does, before the tanh."""
    plain = checkpoint_of(CriticKind.ACTION_VALUE, 16)
    clipped = replace(plain, actor=random_mlp((2, 16, 1), Activation.RELU, Activation.TANH, 0.1))
    assert error(torch_field(clipped, 32), torch_field(plain, 32)) > 0.1
    assert_same_field(gl, clipped, 32)


def test_the_least_of_three_critics(gl):
    critics = tuple(random_mlp((3, 16, 1), Activation.RELU, seed=seed) for seed in (1, 2, 3))
    assert_same_field(gl, checkpoint_of(CriticKind.ACTION_VALUE, 16, critics=critics), 32)


def test_observations_of_another_shape_are_refused(gl):
    field = CriticPass(gl, checkpoint_of(CriticKind.STATE_VALUE, 8), 16, FrameMeter())
    for shape in ((3, 256), (2, 255)):
        with pytest.raises(ValueError, match=r"expected \(2, 256\)"):
            field.compute(np.zeros(shape, np.float32))
    field.release()


def test_a_field_counts_what_it_costs(gl):
    meter = FrameMeter()
    field = CriticPass(gl, checkpoint_of(CriticKind.STATE_VALUE, 8), 16, meter)
    field.compute(np.zeros((2, 256), np.float32))
    assert (meter.dispatches, meter.upload_bytes, meter.queries) == (3, 2 * 256 * 4, 0)
    field.read()
    assert meter.queries == 1
    field.release()


def made_field(gl, config):
    """Return the pass that the program makes for `config`, and its values."""
    world = make_world(config.world.name)
    checkpoint = find_checkpoint(config.policy.checkpoint, world)
    _, field = critic_and_landscape(gl, config, world, checkpoint, FrameMeter())
    try:
        return type(field.field), field.field.read()
    finally:
        field.release()


@pytest.mark.regression
@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_critics_are_the_same_by_shader_by_numpy_and_by_torch(gl, path):
    """`features.gpu_heatmap`, `heatmap.backend`."""
    settings = [f"world.name={path.stem}", "heatmap.resolution=48"]
    plain_type, plain = made_field(gl, load_config(None, [*settings, "features.gpu_heatmap=false"]))
    fast_type, fast = made_field(gl, load_config(None, [*settings, "heatmap.backend=gpu"]))
    compiled_type, compiled = made_field(gl, load_config(None, [*settings, "heatmap.backend=cpu"]))
    assert (plain_type, fast_type, compiled_type) == (UploadedField, CriticPass, UploadedField)
    assert error(fast, plain) <= TOLERANCE
    assert error(compiled, plain) <= TOLERANCE
    assert (compiled != plain).any(), "machine code adds in another order than NumPy"
    assert error(plain, torch_field(load_checkpoint(path, make_world(path.stem)), 48)) <= TOLERANCE


def test_a_torchscript_critic_is_shown_in_place_of_the_checkpoint_s(gl, tmp_path):
    linear = torch.nn.Linear(2, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch advises torch.export
        torch.jit.script(linear).save(tmp_path / "critic.pt")
    settings = [f"policy.torchscript_critic={tmp_path / 'critic.pt'}", "heatmap.resolution=33"]
    kind, field = made_field(gl, load_config(None, settings))
    weight, bias = linear.weight.detach().numpy(), linear.bias.detach().numpy()
    expected = (weight @ grid_obs(own_plane(make_world("point_mass")), 33) + bias[:, None]).reshape(33, 33)
    assert kind is UploadedField
    assert error(field, expected) <= TOLERANCE


def test_the_faster_way_is_found_by_trying_both(gl):
    """On a software driver this asks for `_measured`; machine code is 20 times faster there."""
    checkpoint = checkpoint_of(CriticKind.ACTION_VALUE, 64, 64)
    assert backend_of(gl, Config(), checkpoint) is (Backend.CPU if driver_info(gl).software else Backend.GPU)


def test_without_a_checkpoint_there_is_no_field(gl):
    nothing = critic_and_landscape(gl, Config(), make_world("point_mass"), None, FrameMeter())
    assert nothing == (None, None)


def test_the_grid_s_first_row_is_the_low_corner(gl):
    """x innermost, from low to high, at the centres of texels."""
    x_only = Mlp((Layer(np.array([[1, 0]], np.float32), np.zeros(1, np.float32), Activation.IDENTITY),))
    field = gpu_field(gl, checkpoint_of(CriticKind.STATE_VALUE, critics=(x_only,)), 8)
    centres = -3 + (np.arange(8) + 0.5) / 8 * 6
    np.testing.assert_allclose(field, np.tile(centres, (8, 1)), atol=1e-6)


@pytest.mark.parametrize("kind", list(CriticKind))
def test_a_field_is_in_units_of_the_world_s_rewards(gl, kind):
    """A critic that learned from rewards divided by 20 is shown 20 times as high."""
    plain = checkpoint_of(kind, 16, 16)
    scaled = replace(plain, reward_normalization=RewardNormalization(400.0, 0.0, 10.0, 0.99))
    assert_same_field(gl, scaled, 24)
    assert error(gpu_field(gl, scaled, 24), 20 * gpu_field(gl, plain, 24)) <= TOLERANCE
