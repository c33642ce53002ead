"""What is stated about networks in Python: values that fit, and errors in the words of Python."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

import valuescape
from valuescape.library.stated import GivenOptions
from valuescape.library.wording import in_keywords, in_python
from valuescape.sim.policy.formats import given
from valuescape.sim.policy.statistics import UnitsError


def layers(*widths):
    rng = np.random.default_rng(0)
    shapes = zip(widths[1:], widths[:-1], strict=True)
    return [(rng.normal(size=shape).astype(np.float32), np.zeros(shape[0], np.float32)) for shape in shapes]


PAIR = layers(3, 8, 1), layers(3, 8, 1)
STATED = {"world": "Pendulum-v1", "activation": "tanh", "gamma": 0.9}


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ({"gamma": 99}, "gamma = 99: expected a number from 0 to 1"),
        ({"gamma": "x"}, "gamma = 'x': expected a number from 0 to 1"),
        ({"gamma": np.nan}, "gamma = nan"),
        ({"entropy_coefficient": -1}, "entropy_coefficient = -1: expected a number, 0 or more"),
        ({"reward_scale": 0}, "reward_scale = 0: expected what rewards were multiplied by"),
        ({"algorithm": 3}, "algorithm = 3: expected a name"),
        ({"obs_normalization": (np.zeros(2), np.ones(2))}, "observation statistics have shapes"),
        (
            {"obs_normalization": (np.zeros(3), np.zeros(3))},
            "standard deviations and clip must be more than 0",
        ),
        ({"activation": None}, 'load(…, activation="tanh") states it'),
    ],
)
def test_values_that_no_network_has_are_refused(stated, said):
    with pytest.raises(valuescape.UsageError) as error:
        valuescape.load(PAIR, **{**STATED, **stated})
    assert said in str(error.value)


def test_critics_of_actions_say_in_which_units_they_take_them():
    """As the message asks; Q of the action 1 is that of 2 in scaled units, where the world has -2 to 2."""
    pair, stated = (layers(3, 8, 1), layers(4, 8, 1)), {**STATED, "head": "squashed"}
    with pytest.raises(valuescape.UsageError, match=r'load\(…, critic_actions="scaled"\) or "world" states'):
        valuescape.load(pair, **stated)
    with pytest.raises(valuescape.UsageError, match="for networks in memory"):
        valuescape.load("pendulum", critic_actions="world")
    scaled, world = (valuescape.load(pair, **stated, critic_actions=each) for each in ("scaled", "world"))
    assert scaled.q([1.0, 0, 0], [2.0]) == pytest.approx(world.q([1.0, 0, 0], [1.0]), rel=1e-5)
    assert scaled.q([1.0, 0, 0], [2.0]) != pytest.approx(world.q([1.0, 0, 0], [2.0]), rel=1e-3)


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ({"action_low": 1, "action_high": -1}, "each lower bound below its upper one"),
        ({"action_low": np.inf}, "action_low = inf: expected a number"),
        ({"max_action": 0}, "max_action = 0: expected a number above 0"),
        ({"squash": "no"}, "squash = 'no': expected True or False"),
        ({"names": 3}, "names = 3: expected the name of a file"),
        ({"choices": (0, 2)}, "expected a whole number above 0 for each choice"),
    ],
)
def test_values_that_no_file_needs_are_refused(stated, said):
    with pytest.raises(valuescape.UsageError) as error:
        valuescape.load("pendulum", **stated)
    assert said in str(error.value)


def test_a_file_that_lacks_something_asks_for_keywords(tmp_path):
    arrays = {f"actor.{i}.weight": w for i, (w, _) in enumerate(PAIR[0])}
    arrays |= {f"actor.{i}.bias": b for i, (_, b) in enumerate(PAIR[0])}
    arrays |= {name.replace("actor", "critic"): array for name, array in arrays.items()}
    save_file(arrays, tmp_path / "net.safetensors")
    with pytest.raises(valuescape.UsageError) as error:
        valuescape.load(tmp_path / "net.safetensors", world="Pendulum-v1")
    assert 'activation="tanh", gamma=0.99' in str(error.value)
    assert "--" not in str(error.value)
    assert "policy." not in str(error.value)


def test_every_statement_has_a_keyword_and_an_option():
    assert given.OPTIONS.keys() == GivenOptions.__annotations__.keys()
    for field, option in given.OPTIONS.items():
        said = in_python(option)
        assert re.search(rf"(^|, ){field}=", said), said
        assert "--" not in said
        assert "policy." not in said


def sentences(file):
    """Return the sentences in a file's code, each value in them a 1."""
    parts = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.JoinedStr):
            parts |= {id(each) for each in ast.walk(node)}
            yield "".join(each.value if isinstance(each, ast.Constant) else "1" for each in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
            yield node.value


def test_every_sentence_about_files_and_worlds_has_words_of_python():
    """Whatever their authors write later: an option that has a keyword does not stay in any of them."""
    options = {each.split()[0] for each in given.OPTIONS.values()} - {"--set"}
    options |= {"--world", "--env-file", "--world-file"}
    named = re.compile(rf"(?<![\w-])({'|'.join(options)})(?![\w-])|\bpolicy\.({'|'.join(given.STATED)})\b")
    folder = Path(valuescape.__file__).parents[1]
    files = [*(folder / "sim/policy").rglob("*.py"), *(folder / "sim/worlds").rglob("*.py")]
    found = [
        each
        for file in files
        for each in sentences(file)
        if " " in each and "\n" not in each and named.search(each)
    ]
    assert len(found) > 20
    assert [each for each in found if named.search(in_python(each))] == []


def test_what_follows_an_option_in_a_sentence_stays_outside_of_its_keyword():
    """Also of errors that are no plain UsageError, and stay what they are."""
    assert in_python("give --obs-normalization FILE, or FILE.pkl") == (
        'give obs_normalization="FILE", or FILE.pkl'
    )
    assert in_python("--obs-normalization FILE.pkl") == 'obs_normalization="FILE.pkl"'
    with pytest.raises(UnitsError) as error, in_keywords():
        raise UnitsError("says norm_reward False", "--reward-scale 0.1 if divided, --reward-scale 1 if not")
    assert error.value.hint == "reward_scale=0.1 if divided, reward_scale=1 if not"


def test_maps_name_their_own_arguments():
    with pytest.raises(valuescape.UsageError) as error:
        valuescape.value_map("pendulum", axes=("angle", "speed"))
    assert str(error.value).startswith("axes = 'angle, speed'")


def test_a_tensor_with_gradients_says_what_to_pass():
    model = valuescape.load("pendulum")
    obs = torch.zeros(2, 3, requires_grad=True)
    for ask in (model.value, model.policy, model.q):
        with pytest.raises(valuescape.UsageError, match=r"pass obs\.detach\(\)"):
            ask(obs)
    assert np.array_equal(model.value(obs.detach()), model.value(np.zeros((2, 3))))
    with pytest.raises(valuescape.UsageError, match=r"pass obs\.float\(\)"):
        model.value(torch.zeros(2, 3, dtype=torch.bfloat16))


def test_nan_stays_nan_in_its_row_and_actions_out_of_bounds_are_refused():
    model = valuescape.load("pendulum")
    obs = model.observe([[0.1, 0.0], [0.2, 0.0]])
    spoiled = np.vstack([obs[:1], [[np.nan, 0, 0]]])
    for ask in (model.value, model.policy, model.q):
        assert np.isnan(ask(spoiled)).ravel().tolist() == [False, True]
    assert np.isnan(model.q(obs, [[np.nan], [1.0]])).tolist() == [True, False]
    with pytest.raises(valuescape.UsageError, match=r"action row 1: .* is 2\.5, expected -2 to 2"):
        model.q(obs, [[1.0], [2.5]])
    model.q(obs, [[2.000001], [-2.0]])
