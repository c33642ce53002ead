"""Networks made of named tensors, and the words that tell actor and critic apart."""

from pathlib import Path

import numpy as np
import pytest

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats.chains import chain, constant_layer, layer_names
from valuescape.sim.policy.formats.given import Given
from valuescape.sim.policy.formats.perceptron import FORMAT
from valuescape.sim.policy.network import Activation

PATH = Path("a.pt")


def linear(outputs: int, inputs: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(outputs, inputs)).astype("f4"), rng.normal(size=outputs).astype("f4")


def tensors(**layers: tuple[int, int]) -> dict[str, np.ndarray]:
    """Return random linear layers; `__` in a name stands for a dot."""
    found = {}
    for seed, (name, sizes) in enumerate(layers.items()):
        weight, bias = linear(*sizes, seed=seed)
        found |= {f"{name.replace('__', '.')}.weight": weight, f"{name.replace('__', '.')}.bias": bias}
    return found


def test_a_chain_computes_its_layers_in_turn():
    named = tensors(net__0=(4, 2), net__2=(3, 4), head=(1, 3))
    network = chain(PATH, named, "net", "head", hidden=Activation.TANH, last=Activation.RELU).mlp()
    assert [each.activation for each in network.layers] == [Activation.TANH, Activation.TANH, Activation.RELU]
    for each, name in zip(network.layers, ("net.0", "net.2", "head"), strict=True):
        np.testing.assert_array_equal(each.weight, named[f"{name}.weight"])
        np.testing.assert_array_equal(each.bias, named[f"{name}.bias"])


def test_layers_of_a_file_without_order_are_taken_by_their_numbers():
    named = tensors(n__10=(1, 5), n__2=(5, 4), n__0=(4, 3))
    assert chain(PATH, named, "n").widths == (3, 4, 5, 1)
    assert layer_names(named) == ["n.10", "n.2", "n.0"]


def test_kernels_of_flax_are_transposed_and_biases_may_be_missing():
    weight, bias = linear(3, 2)
    network = chain(PATH, {"a.kernel": weight.T, "a.bias": bias, "b.weight": np.ones((1, 3))}, "a", "b")
    np.testing.assert_array_equal(network.linears[0].layer.weight, weight)
    np.testing.assert_array_equal(network.linears[1].layer.bias, [0])


def test_an_unknown_activation_is_filled_in_between_layers_alone():
    trunk = chain(PATH, tensors(t__0=(4, 2), t__1=(4, 4)), "t")
    whole = trunk.then(chain(PATH, tensors(h=(1, 4)), "h").ending(Activation.TANH))
    assert whole.unknown
    with pytest.raises(ValueError, match="activation"):
        whole.mlp()
    network = whole.with_hidden(Activation.ELU).mlp()
    assert [each.activation.value for each in network.layers] == ["elu", "elu", "tanh"]
    with pytest.raises(ValueError, match="4 outputs do not fit 9 inputs"):
        trunk.then(chain(PATH, tensors(h=(1, 9)), "h"))


@pytest.mark.parametrize(
    ("named", "said"),
    [
        (tensors(a__0=(4, 2), a__1=(3, 5)), "a.0 has 4 outputs, a.1 takes 5"),
        ({}, "lacks the tensors a.*"),
        ({"a.weight": np.ones((3, 2)), "a.bias": np.ones(2)}, r"a.bias has the shape \[2\], expected \[3\]"),
        ({"a.weight": np.ones((9000, 2)), "a.bias": np.ones(9000)}, r"\[9000, 2\], expected 1 to 8192"),
        ({"a.weight": np.full((3, 2), np.nan)}, "NaN or infinite"),
        ({"a.weight": np.ones((3, 2, 5, 5))}, "lacks the tensors a.*"),
    ],
)
def test_what_is_no_chain_is_refused_by_name(named, said):
    with pytest.raises(UsageError, match=rf"a\.pt: .*{said}"):
        chain(PATH, named, "a")


def test_a_constant_layer_gives_its_values_for_any_input():
    layer = constant_layer(PATH, "log_std", np.float32([[0.5, -1.0]]), 3)
    np.testing.assert_array_equal(layer.weight @ np.ones(3) + layer.bias, [0.5, -1.0])


def words(tmp_path: Path, named: dict[str, np.ndarray], **stated: object) -> list[tuple]:
    """Return (role, widths) of the networks that the perceptron format finds."""
    np.savez(tmp_path / "a.npz", **named)
    networks = FORMAT.contents(tmp_path / "a.npz", Given(**stated)).networks
    return [(each.role, each.widths) for each in networks]


def test_words_in_names_tell_roles(tmp_path):
    q = {"qf1__0": (8, 5), "qf1__2": (1, 8), "qf2__0": (8, 5), "qf2__2": (1, 8)}
    named = tensors(actor__fc1=(8, 3), actor__fc_mean=(2, 8), actor__fc_logstd=(2, 8), **q)
    named |= tensors(qf1_target__0=(8, 5), qf1_target__2=(1, 8))
    expected = [("actor", (3, 8, 2)), ("critic", (5, 8, 1)), ("twin critic", (5, 8, 1))]
    assert words(tmp_path, named) == expected
    by_index = tensors(pi__0=(2, 3), critics__0__0=(8, 5), critics__0__2=(1, 8), critics__1__0=(8, 5))
    by_index |= tensors(critics__1__2=(1, 8))
    assert words(tmp_path, by_index) == [("actor", (3, 2)), *expected[1:]]
    shared = tensors(body__0=(6, 3), policy_head=(2, 6), value_head=(1, 6))
    assert words(tmp_path, shared) == [("actor", (3, 6, 2)), ("critic", (3, 6, 1))]
    assert words(tmp_path, tensors(q_network__0=(6, 3), q_network__2=(2, 6))) == [("critic", (3, 6, 2))]
    assert words(tmp_path, tensors(first=(6, 3), second=(2, 6))) == []


def test_a_map_gives_names_to_roles(tmp_path):
    (tmp_path / "names.toml").write_text('[map]\nactor = ["a", "b"]\ncritic = ["a", "c"]\n')
    named = tensors(a=(6, 3), b=(2, 6), c=(1, 6))
    expected = [("actor", (3, 6, 2)), ("critic", (3, 6, 1))]
    assert words(tmp_path, named, names=tmp_path / "names.toml") == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[map]\nboss = 'a'", "map.boss is no role"),
        ("[map]\nactor = 3", "map.actor is 3, expected names"),
        ("[map]\nactor = []", r"map.actor is \[\], expected names"),
        ("[other]", r"expected one table \[map\]"),
        ("[map", "is no TOML"),
        (
            "[map]\nactor = 'nowhere'\ncritic = 'c'",
            r"map.actor is 'nowhere', which .*a.npz does not have\n.*c",
        ),
        ("[map]\nactor = 'c'\ncritic = 'cc'", r"map.critic is 'cc'.*\n.*did you mean c"),
        ("[map]\ncritic = 'c'", r"\[map\] has no actor\n.*--algorithm dqn"),
        ("[map]\nactor = 'c'", r"\[map\] has no critic\n.*critic = "),
    ],
)
def test_a_map_that_says_nothing_is_refused(tmp_path, text, said):
    (tmp_path / "names.toml").write_text(text)
    with pytest.raises(UsageError, match=said):
        words(tmp_path, tensors(c=(1, 3)), names=tmp_path / "names.toml")
