"""Checkpoints that other libraries wrote act and value here as in those libraries.

Each folder of tests/sim/policy/libraries has `make.py`, which made its files in the library's own
environment, and for each file NAME its outputs, NAME.expected.npz, and NAME.json, which says what the user
has to state.
"""

import numpy as np
import pytest
from library_files import CASES, FOLDER

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats.detect import format_of, probe_of
from valuescape.sim.policy.formats.given import OPTIONS
from valuescape.sim.policy.formats.known import FORMATS
from valuescape.sim.policy.inference import BatchPolicy, value
from valuescape.sim.policy.loading import load_checkpoint
from valuescape.sim.worlds import make_world

TOLERANCE = 1e-5
MOST_BYTES = 60_000


parametrized = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def test_there_are_files():
    assert len(CASES) >= 4
    assert {path.name for path in FOLDER.iterdir() if (path / "make.py").is_file()} == {
        name.split("/")[0] for name in CASES
    }


@parametrized
def test_actions_and_values_are_those_of_the_library(case):
    world = make_world(case.said["world"])
    checkpoint = load_checkpoint(case.file, world, case.given)
    obs = np.ascontiguousarray(case.expected["obs"].T)
    actions = np.full((world.action.dim, obs.shape[1]), np.nan, np.float32)
    BatchPolicy(checkpoint, world.action, obs.shape[1]).act(obs, actions)
    expected, values = np.atleast_2d(case.expected["action"].T), case.expected["value"]
    np.testing.assert_allclose(actions, expected, rtol=TOLERANCE, atol=TOLERANCE * scale(expected))
    found = value(checkpoint, obs)
    np.testing.assert_allclose(found, values, rtol=TOLERANCE, atol=TOLERANCE * scale(values))
    assert len(np.unique(values)) > len(values) // 2
    assert len(np.unique(expected)) > 1


def scale(numbers: np.ndarray) -> float:
    return float(np.abs(numbers).max())


@parametrized
def test_files_are_small_and_of_one_format(case):
    files = [case.file, *case.file.rglob("*")]
    assert sum(each.stat().st_size for each in files if each.is_file()) < MOST_BYTES
    probe = probe_of(case.file)
    recognised = [each.name for each in FORMATS if each.folders is probe.is_folder and each.recognises(probe)]
    assert recognised[0] == format_of(case.file).name
    assert recognised[1:] in ([], ["perceptron"])  # whose turn comes last


@parametrized
def test_contents_name_what_has_to_be_stated(case):
    """And each of it is asked for, by its option, if it is left out."""
    form, given = case.format, case.given
    contents = form.contents(case.file, given)
    assert contents.library
    assert not [each for each in contents.lacking if each.needed]
    checkpoint = form.load(case.file, given)
    widths = {each.role: each.widths for each in contents.networks}
    critic = checkpoint.critics[0]
    assert widths["critic"][:-1] == (critic.in_dim, *(len(each.bias) for each in critic.layers[:-1]))
    assert all(each.activation for each in contents.networks)
    needed = set(case.said["given"]) & {"activation", "gamma", "algorithm", "head", "names"}
    for field in needed:
        without = {key: each for key, each in case.said["given"].items() if key != field}
        with pytest.raises(UsageError) as raised:
            form.load(case.file, case.stated(without))
        assert OPTIONS[field].rpartition("=" if "=" in OPTIONS[field] else " ")[0] in str(raised.value)
        assert f"policy.{field}" in str(raised.value)


REFUSED = {
    "cleanrl/c51": "C51",
    "cleanrl_jax/c51": "C51",
    "d3rlpy/discrete_bcq": "is d3rlpy's discrete_bcq",
    "d3rlpy/fqe": "has Q of observations and actions, and no policy",
    "pufferlib/recurrent": "recurrent",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_perceptron_computes_is_refused_by_name(name):
    path = FOLDER / f"{name}.refused"
    with pytest.raises(UsageError) as error:
        load_checkpoint(path, make_world("pendulum"))
    assert str(error.value).startswith(f"{path}: ")
    assert REFUSED[name] in str(error.value)


def test_every_refused_file_is_tried():
    assert {str(each.relative_to(FOLDER).with_suffix("")) for each in FOLDER.rglob("*.refused")} == {*REFUSED}
