"""Side B of an A/B run by its names, and what is refused."""

import shutil
from pathlib import Path

import pytest
from library_files import CASES

from valuescape.presets import configs_dir, presets
from valuescape.run.versus.asking import require_pair, second_config
from valuescape.sim.config.files import load_config
from valuescape.sim.config.model import settings_of
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats.given import STATED

SHARED = ["agents.count=30", "run.seed=5"]


def first(*changes):
    return load_config(configs_dir() / "demo.toml", [*SHARED, *changes])


def second(name=None, *changes, shared=()):
    return second_config(first(*shared), "demo", [*SHARED, *shared], name, changes)


def differing(one, other):
    settings = settings_of().items()
    return {name for name, each in settings if each.value_in(one) != each.value_in(other)}


def test_b_is_a_with_its_changes():
    assert differing(first(), second(None, "policy.exploration=0.5", "run.seed=9")) == {
        "policy.exploration",
        "run.seed",
    }


def test_a_model_acts_in_the_place_of_the_first_ones():
    model = configs_dir() / "checkpoints" / "point_mass.safetensors"
    assert differing(first(), second(str(model))) == {"policy.checkpoint"}
    assert second(str(model), shared=['policy.checkpoint="random"']).policy.checkpoint == str(model)


def test_what_is_stated_of_a_holds_for_a_model_that_does_not_say_it():
    """As where two checkpoints of one run are compared. --versus-set states something else of B."""
    stated = ["policy.gamma=0.9", "policy.activation=elu", "policy.reward_scale=0.1", "policy.algorithm=ppo"]
    silent, said = CASES["rl_games/discrete"].file, CASES["d3rlpy/dqn"].file
    settings = {f"policy.{each}" for each in STATED}

    def b_states(name, *changes):
        found = second(str(name), *changes, shared=stated).model_dump()["policy"]
        return {key: found[key] for key in ("gamma", "activation", "reward_scale", "algorithm")}

    kept = {"gamma": 0.9, "activation": "elu", "reward_scale": 0.1, "algorithm": ""}
    assert b_states(silent) == kept
    assert b_states(silent, "policy.gamma=0.8") == kept | {"gamma": 0.8}
    of_the_file = {"gamma": "file", "activation": "file", "reward_scale": "file", "algorithm": ""}
    assert b_states(said) == of_the_file
    assert "policy.gamma" in differing(first(*stated), second(str(said), shared=stated))
    assert not differing(first(), second(str(silent))) & settings


def test_a_folder_of_training_is_asked_by_its_last_checkpoint(tmp_path):
    for steps in (10, 20):
        shutil.copy(CASES["perceptron/shared"].file, tmp_path / f"model_{steps}_steps.pt")
    needed = ["policy.gamma=0.9", "policy.algorithm=ppo", "policy.activation=tanh"]
    stated = [*needed, "policy.choices='2,1'", "policy.head=multi_argmax", "policy.max_action=2"]
    found = second(str(tmp_path), shared=stated).policy
    assert (found.gamma, found.choices, found.head, found.max_action) == (0.9, "2,1", "multi_argmax", "file")


def test_presets_have_the_view_and_the_pace_of_a():
    """Beside `--set`, which is for both sides, only what makes them other runs is their own."""
    for name in presets():
        found = second(name)
        assert found.run.seed == 5
        assert found.agents.count == 30
        assert (found.render, found.sim, found.lod) == (first().render, first().sim, first().lod)
        assert found.heatmap.layer == first().heatmap.layer
        assert found.world.name == load_config(configs_dir() / f"{name}.toml").world.name


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        (None, ["render.view=2d"], "--versus-set render.view=2d: A and B have one render.view"),
        (None, ["sim.ticks_per_s=3"], "A and B have one sim.ticks_per_s"),
        (None, ["features.async_physics=false"], "A and B have one features.async_physics"),
        (
            None,
            ["agents.cuont=4"],
            "--versus-set agents.cuont=4: agents.cuont is unknown; did you mean count?",
        ),
        (None, ["nonsense"], "--versus-set nonsense: expected section.key=value\n  for example --versus-set"),
        ("no/such.toml", [], "no such configuration file"),
    ],
)
def test_what_makes_no_side_is_refused_by_name(name, changes, said):
    with pytest.raises(UsageError) as raised:
        second(name, *changes)
    assert said in str(raised.value)


def test_another_seed_has_to_be_asked_for():
    with pytest.raises(UsageError, match=r"run\.seed = 0, and 7 in A"):
        second_config(load_config(configs_dir() / "demo.toml"), "demo", [], "valley", [])


def test_a_pair_that_cannot_be_shown_is_refused_with_the_side():
    with pytest.raises(UsageError, match=r"heatmap\.beside = 'density', but A and B show one map each"):
        require_pair(first("heatmap.beside=density"), first())
    with pytest.raises(UsageError, match=r"B: /none\.zip: there is no such file"):
        require_pair(first(), first('policy.checkpoint="/none.zip"'))


def test_what_b_s_checkpoint_lacks_is_stated_for_b():
    """Without a change to A, whose file says it."""
    file = Path(__file__).parents[3] / "sim" / "policy" / "libraries" / "rsl_rl" / "release2.pt"
    shared = ["world.name=pendulum"]
    with pytest.raises(UsageError) as raised:
        require_pair(first(*shared), second(str(file), shared=shared))
    assert "--versus-set policy.activation=elu --versus-set policy.gamma=0.99" in raised.value.hint
