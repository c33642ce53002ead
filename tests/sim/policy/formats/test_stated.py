"""What the user states about a checkpoint: settings, files of statistics, what a world fills in."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from library_files import CASES
from pickled_statistics import statistics
from safetensors.numpy import save_file
from sample_checkpoints import sac_checkpoint

from valuescape.sim.config.files import load_config
from valuescape.sim.config.model import settings_of
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats import native
from valuescape.sim.policy.formats.detect import format_of
from valuescape.sim.policy.formats.given import STATED, Given, given_of
from valuescape.sim.policy.formats.normalization import read_normalization
from valuescape.sim.policy.formats.stub import FORMAT as STUB
from valuescape.sim.policy.loading import load_checkpoint, read_checkpoint
from valuescape.sim.policy.network import Activation, ActorHead
from valuescape.sim.policy.world_fit import with_bounds
from valuescape.sim.worlds import make_world


def stated(*changes: str) -> Given:
    return given_of(load_config(None, [f"policy.{each}" for each in changes]).policy)


def test_settings_become_what_is_stated():
    assert stated() == Given()
    found = stated(
        *("activation=tanh", "gamma=0.9", "algorithm=sac", "head=squashed", "names=a.toml"),
        *("obs_normalization=b.npz", "action_bounds=-1..1, 0..2.5", "choices='3, 2'", "reward_scale=0.1"),
    )
    expected = Given(
        algorithm="sac",
        activation=Activation.TANH,
        gamma=0.9,
        head=ActorHead.SQUASHED,
        obs_normalization=Path("b.npz"),
        names=Path("a.toml"),
        action_low=(-1.0, 0.0),
        action_high=(1.0, 2.5),
        choices=(3, 2),
        reward_scale=0.1,
    )
    assert found == expected
    for name in STATED:
        declared = settings_of()[f"policy.{name}"]
        other = next((each for each in declared.words if each != declared.default), 0.5)
        numbers = {"action_bounds": "0..1", "choices": "3,2"}
        other = numbers.get(name) or {"": "x", "file": other}[declared.default]
        assert stated(f"{name}={json.dumps(other)}") != Given()


def test_every_activation_can_be_stated():
    for each in Activation:
        assert stated(f"activation={each.value}").activation is each
    for each in set(settings_of()["policy.head"].words) - {"file"}:
        assert stated(f"head={each}").head is ActorHead(each)


@pytest.mark.parametrize("text", ["1", "1..", "2..1", "a..b", "0..1,,", "nan..1", "1..1"])
def test_bounds_that_are_none_are_refused(text):
    with pytest.raises(UsageError, match=r"policy\.action_bounds = .*\n.*expected low\.\.high"):
        stated(f"action_bounds={json.dumps(text)}")


def write_stub(path: Path, **fields: object) -> Path:
    sound = {"actor": [[0.5, -1.0]], "critic": [1.0, 2.0], "low": [-5.0], "high": [5.0], "gamma": 0.9}
    left = {key: value for key, value in (sound | fields).items() if value is not None}
    path.write_bytes(b"valuescape-stub\n" + json.dumps(left).encode())
    return path


def test_a_stated_value_wins_unless_it_yields(tmp_path):
    path = write_stub(tmp_path / "a.stub")
    assert STUB.load(path).gamma == 0.9
    assert STUB.load(path, Given(gamma=0.5)).gamma == 0.5
    assert STUB.load(path, Given(gamma=0.5, yields=True)).gamma == 0.9
    low, high = (-2.0,), (2.0,)
    assert STUB.load(path, Given(action_low=low, action_high=high)).action_high.tolist() == [2]
    native.save(replace(STUB.load(path), world="point_mass"), tmp_path / "a.safetensors")
    found = native.load(tmp_path / "a.safetensors", Given(gamma=0.5, action_low=low, action_high=high))
    assert (found.gamma, found.action_low.tolist()) == (0.5, [-2])
    assert native.load(tmp_path / "a.safetensors", Given(gamma=0.5, yields=True)).gamma == 0.9


PERCEPTRON = CASES["perceptron/shared"].file


@pytest.mark.parametrize(
    ("name", "statement", "said"),
    [
        ("cleanrl/dqn", {"algorithm": "ppo"}, "its critic gives Q of each action, as that of DQN does"),
        ("cleanrl/ppo", {"algorithm": "sac"}, r"its critic gives V\(s\), as that of PPO does"),
        ("cleanrl/dqn", {"algorithm": "qr-dqn"}, "its critic gives Q of each action"),
        ("cleanrl/dqn", {"algorithm": "dqm"}, r"policy.algorithm is 'dqm'; .* dqn\n.*did you mean dqn"),
        (
            "cleanrl/td3",
            {"activation": Activation.TANH},
            "activation is stated as tanh, but the file says relu",
        ),
        ("cleanrl/ppo_continuous", {"head": ActorHead.ARGMAX}, "stated as argmax, but .* are clipped"),
        ("cleanrl/ppo_continuous", {"squash": True}, "no tanh follows its actor's outputs"),
        ("cleanrl/td3", {"squash": False}, "its actor ends in tanh"),
        ("cleanrl/td3", {"max_action": 2.0}, "multiplied by no stated factor"),
        ("cleanrl/td3", {"names": Path("names.toml")}, "whose tensors' names are known\n.*leave out --map"),
    ],
)
def test_a_statement_that_the_file_contradicts_is_refused(name, statement, said):
    case = CASES[name]
    given = replace(case.given, **statement)
    for read in (read_checkpoint, lambda *each: format_of(case.file).contents(*each)):
        with pytest.raises(UsageError, match=said):
            read(case.file, given)
    read_checkpoint(case.file, replace(given, yields=True))  # it was stated about another file


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("actor = 'action'\ncritic = 'value'", r"map.actor is 'action'.*\n.*did you mean actions"),
        ("actor = 'actions'", r"\[map\] has no critic"),
    ],
)
def test_a_map_of_a_graph_names_its_values(tmp_path, text, said):
    (tmp_path / "map.toml").write_text(f"[map]\n{text}\n")
    case = CASES["onnx/ppo"]
    with pytest.raises(UsageError, match=said):
        read_checkpoint(case.file, replace(case.given, names=tmp_path / "map.toml"))


def test_an_algorithm_of_the_same_kind_may_be_stated(tmp_path):
    case = CASES["cleanrl/ddpg"]
    assert read_checkpoint(case.file, replace(case.given, algorithm="td3")).algorithm == "td3"
    native.save(sac_checkpoint(), tmp_path / "a.safetensors")
    with pytest.raises(UsageError, match="algorithm is stated as ppo"):
        native.load(tmp_path / "a.safetensors", Given(algorithm="ppo"))


def test_the_activation_of_a_script_may_be_another_one():
    case = CASES["cleanrl/ppo"]
    layers = read_checkpoint(case.file, replace(case.given, activation=Activation.ELU)).actor.layers
    assert [each.activation for each in layers] == [Activation.ELU, Activation.ELU, Activation.IDENTITY]


def test_a_number_in_the_place_of_the_file_s_is_told(tmp_path):
    path = write_stub(tmp_path / "a.stub")
    assert STUB.load(path, Given(gamma=0.5)).remarks == ("says gamma 0.9; 0.5 is stated and counts",)
    assert STUB.load(path, Given(gamma=0.9)).remarks == ()


def test_the_meaning_of_outputs_is_asked_for_as_the_world_has_it():
    """Without a world both are named."""
    given = Given(algorithm="ppo", activation=Activation.TANH)
    for world, head in (("mountain_car", "argmax"), ("pendulum", "clipped")):
        with pytest.raises(UsageError, match=rf"--set policy.head={head} \("):
            load_checkpoint(PERCEPTRON, make_world(world), given)
    with pytest.raises(UsageError, match=r"policy.head=argmax, or policy.head=clipped if .*continuous"):
        read_checkpoint(PERCEPTRON, given)


def test_what_is_neither_said_nor_stated_is_asked_for(tmp_path):
    path = write_stub(tmp_path / "a.stub", gamma=None)
    asked = r"does not say the discount gamma\n.*--gamma 0\.99 \(policy\.gamma\)"
    with pytest.raises(UsageError, match=asked):
        STUB.load(path)
    assert STUB.load(path, Given(gamma=0.5, yields=True)).gamma == 0.5
    optional = ["obs_normalization", "reward_scale"]
    assert [each.field for each in STUB.contents(path).lacking] == ["gamma", *optional]
    assert [each.field for each in STUB.contents(path, Given(gamma=0.5)).lacking] == optional


def test_bounds_that_a_file_lacks_are_the_worlds(tmp_path):
    world, path = make_world("point_mass"), write_stub(tmp_path / "a.stub", low=None, high=None)
    bare = replace(sac_checkpoint(), action_low=np.zeros(0, "f4"), action_high=np.zeros(0, "f4"))
    assert bare.lacks_bounds
    found, said = with_bounds(bare, world, path)
    assert (found.action_low.tolist(), found.action_high.tolist()) == ([-5], [5])
    assert said == "does not say the actions' bounds; taken from point_mass: -5 to 5"
    assert with_bounds(sac_checkpoint(), world, path)[1] is None
    with pytest.raises(UsageError, match=r"policy\.action_bounds"):
        native.save(bare, tmp_path / "a.safetensors")


MEAN, VAR = np.array([1.0, -2.0]), np.array([4.0, 9.0])


def write_statistics(path: Path) -> Path:
    """Write the statistics above as a file of the kind that its suffix says."""
    match path.suffix:
        case ".pkl":
            path.write_bytes(statistics(rms={"mean": MEAN, "var": VAR}, clip_obs=7.0))
        case ".npz":
            np.savez(path, mean=MEAN, var=VAR, epsilon=0.0, clip=7.0)
        case ".json":
            path.write_text(json.dumps({"mean": [*MEAN], "std": [2.0, 3.0], "clip": 7}))
        case ".safetensors":
            numbers = {"eps": np.zeros(1), "clip": np.full(1, 7.0)}
            save_file({"obs_rms.mean": MEAN, "obs_rms.var": VAR, **numbers}, path)
    return path


@pytest.mark.parametrize("suffix", [".pkl", ".npz", ".json", ".safetensors"])
def test_statistics_are_read_from_files_of_any_kind(tmp_path, suffix):
    path = write_statistics(tmp_path / f"a{suffix}")
    found = read_normalization(path).obs
    np.testing.assert_allclose(found.mean, MEAN)
    np.testing.assert_allclose(found.std, [2, 3], rtol=1e-6)
    assert found.clip == 7
    native.save(sac_checkpoint(), tmp_path / "b.safetensors")
    given = Given(obs_normalization=path)
    applied = load_checkpoint(tmp_path / "b.safetensors", make_world("point_mass"), given)
    np.testing.assert_allclose(applied.obs_normalization.mean, MEAN)


def test_variances_without_epsilon_have_gymnasiums(tmp_path):
    np.savez(tmp_path / "a.npz", mean=np.zeros(1), var=np.zeros(1))
    found = read_normalization(tmp_path / "a.npz").obs
    np.testing.assert_allclose(found.std, 1e-4, rtol=1e-6)
    assert found.clip == np.inf


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"mean": [0.0]}, "has mean"),
        ({"a.mean": [0.0], "b.mean": [0.0], "std": [1.0]}, "has a.mean and b.mean"),
        ({"mean": "x", "std": [1.0]}, "damaged"),
        ({"mean": [0.0, 1.0], "std": [1.0, 0.0]}, "must be more than 0"),
        ([], "is a list"),
    ],
)
def test_statistics_that_are_none_are_refused(tmp_path, values, said):
    (tmp_path / "a.json").write_text(json.dumps(values))
    native.save(sac_checkpoint(), tmp_path / "b.safetensors")
    given = Given(obs_normalization=tmp_path / "a.json")
    with pytest.raises(UsageError, match=rf"a\.json: .*{said}"):
        load_checkpoint(tmp_path / "b.safetensors", make_world("point_mass"), given)
