"""State dicts: names without wrappers, layers that are no linear ones, and networks side by side."""

import numpy as np
import pytest
import torch
from networks import random_mlp
from torch import nn

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats.chains import Chain
from valuescape.sim.policy.formats.detect import format_of
from valuescape.sim.policy.formats.given import Given
from valuescape.sim.policy.formats.libraries.state_dicts import plain_names, side_by_side
from valuescape.sim.policy.network import Activation, ActorHead

STATED = Given(algorithm="ppo", activation=Activation.TANH, gamma=0.9, head=ActorHead.CLIPPED)
BETWEEN = {
    "layer normalisation": nn.LayerNorm(8),
    "batch normalisation": nn.BatchNorm1d(8),
    "a convolution": nn.Conv2d(1, 1, 2),
    "a recurrent layer": nn.LSTM(8, 8),
}


@pytest.mark.parametrize("kind", BETWEEN)
def test_a_layer_of_another_kind_in_any_perceptron_is_refused(kind, tmp_path):
    """Its linear layers fit each other, and would answer otherwise without it."""

    def network():
        return nn.Sequential(nn.Linear(3, 8), BETWEEN[kind], nn.Tanh(), nn.Linear(8, 1))

    torch.save(nn.ModuleDict({"pi": network(), "vf": network()}).state_dict(), path := tmp_path / "net.pt")
    with pytest.raises(UsageError, match=rf"[pv][if]\.1\.\w+ is {kind}"):
        format_of(path).load(path, STATED)


def test_a_layer_whose_weight_is_computed_of_several_tensors_is_refused(tmp_path):
    """Without it the square layer in the middle would be left out, and the others fit."""
    parametrized = nn.utils.parametrizations
    made = [nn.utils.spectral_norm, parametrized.weight_norm, parametrized.spectral_norm]
    for index, wrap in enumerate(made):
        middle = wrap(nn.Linear(8, 8))
        body = [nn.Linear(3, 8), nn.Tanh(), middle, nn.Tanh(), nn.Linear(8, 1)]
        networks = nn.ModuleDict({"pi": nn.Sequential(*body), "vf": nn.Sequential(*body)})
        torch.save(networks.state_dict(), path := tmp_path / f"{index}.pt")
        with pytest.raises(UsageError, match=r"pi\.2\.\S+ is a part of a layer"):
            format_of(path).load(path, STATED)


def test_a_layer_normalisation_of_flax_is_refused(tmp_path):
    layers = {"0.kernel": np.ones((3, 8)), "0.bias": np.ones(8), "1.scale": np.ones(8), "1.bias": np.ones(8)}
    layers |= {"2.kernel": np.ones((8, 1)), "2.bias": np.ones(1)}
    np.savez(
        tmp_path / "net.npz", **{f"{role}.{key}": layers[key] for role in ("pi", "vf") for key in layers}
    )
    with pytest.raises(UsageError, match=r"pi\.1\.scale is layer normalisation"):
        format_of(tmp_path / "net.npz").load(tmp_path / "net.npz", STATED)


def test_names_lose_the_marks_of_wrappers():
    tensor = np.zeros(1)
    names = ("module.a.b", "_orig_mod.module.c", "d.net.module.e", "f.module_list.0", "g._orig_mod.h")
    tree = dict.fromkeys(names, tensor) | {
        "optimizer": {"state": {"0": tensor}},
        "actor_optim": {"x": tensor},
    }
    assert list(plain_names(tree)) == ["a.b", "c", "d.e", "f.module_list.0", "g.h"]


def test_networks_side_by_side_are_summed_as_their_weights_say():
    networks = [random_mlp((3, 6, 5, outputs), seed=outputs) for outputs in (4, 1)]
    weights = [np.eye(4) - 0.25, np.ones((4, 1))]
    joined = side_by_side([Chain.of(each) for each in networks], weights).mlp()
    obs = np.random.default_rng(0).standard_normal((10, 3))
    expected = sum(answers(each, obs) @ weight.T for each, weight in zip(networks, weights, strict=True))
    np.testing.assert_allclose(answers(joined, obs), expected, rtol=1e-5, atol=1e-5)


def answers(mlp, inputs):
    """By NumPy, in double precision."""
    for layer in mlp.layers:
        inputs = inputs @ layer.weight.T.astype(np.float64) + layer.bias
        inputs = np.tanh(inputs) if layer.activation is Activation.TANH else inputs
    return inputs


def test_networks_of_different_depths_are_not_joined():
    networks = [Chain.of(random_mlp(sizes)) for sizes in ((3, 4, 2), (3, 4, 4, 2))]
    with pytest.raises(ValueError, match="different depths"):
        side_by_side(networks, [np.eye(2)] * 2)
