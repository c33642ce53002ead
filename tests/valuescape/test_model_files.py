"""Model files in the place of presets: their worlds are found, and remarks on them are told."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from valuescape import remarks
from valuescape.model_files import preset_of, world_for
from valuescape.presets import find_checkpoint
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats import native as store
from valuescape.sim.worlds import WORLDS, make_world

SHIPPED = sorted((Path(__file__).parents[2] / "configs" / "checkpoints").glob("*.safetensors"))


def homeless(name):
    """Return a shipped checkpoint without its world's name, as read from a zip."""
    return replace(store.load(next(path for path in SHIPPED if path.stem == name)), world="")


@pytest.mark.parametrize("name", [path.stem for path in SHIPPED])
def test_a_world_is_found_by_its_spaces(name):
    assert world_for(homeless(name), Path("model.zip")) == name


def test_a_model_is_the_demo_in_its_world(tmp_path):
    path = tmp_path / "é [1].safetensors"
    store.save(homeless("cartpole"), path)
    preset, changes = preset_of(str(path), ["agents.count=9"])
    assert preset == "demo"
    from valuescape.sim.config.files import load_config

    config = load_config(None, changes)
    assert (config.policy.checkpoint, config.world.name) == (str(path), "cartpole")
    assert config.agents.count == 9


def test_a_world_that_is_named_is_taken(tmp_path):
    store.save(homeless("cartpole"), tmp_path / "a.safetensors")
    _, changes = preset_of(str(tmp_path / "a.safetensors"), ["world.name=pendulum"])
    assert [change for change in changes if change.startswith("world.name")] == ["world.name=pendulum"]


def test_presets_and_configurations_stay_what_they_are(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "demo.zip").write_bytes(b"PK")
    for name in ("demo", "my.toml", "no such thing"):
        assert preset_of(name, ["a.b=1"]) == (name, ["a.b=1"])
    with pytest.raises(UsageError, match="no such file"):
        preset_of("gone.zip", [])


@pytest.fixture
def twin(monkeypatch):
    """Add a second world with the spaces of the mountain car."""
    monkeypatch.setitem(WORLDS, "hilly_car", type("Hilly", (WORLDS["mountain_car"],), {"name": "hilly_car"}))


@pytest.mark.usefixtures("twin")
def test_several_worlds_are_listed_and_a_name_decides():
    checkpoint = homeless("mountain_car")
    with pytest.raises(UsageError) as caught:
        world_for(checkpoint, Path("/models/best.zip"))
    said = str(caught.value)
    for word in ("mountain_car", "hilly_car", "gymnasium:MountainCar-v0", "2 observations and 3 actions"):
        assert word in said
    assert world_for(checkpoint, Path("/models/ppo-MountainCar-v0.zip")) == "mountain_car"
    assert world_for(checkpoint, Path("/models/hilly_car_1/best.zip")) == "hilly_car"


def test_gymnasium_s_environments_are_tried_where_none_of_ours_fits(monkeypatch):
    monkeypatch.delitem(WORLDS, "acrobot")
    assert world_for(homeless("acrobot"), Path("model.zip")) == "gymnasium:Acrobot-v1"


def test_a_model_of_no_world_says_what_it_takes():
    checkpoint = replace(homeless("pendulum"), action_high=np.full(1, 77, np.float32))
    with pytest.raises(UsageError, match=r"has 3 observations and actions within -2 to 77\n"):
        world_for(checkpoint, Path("model.zip"))


def test_what_is_odd_about_a_file_is_told_once(tmp_path, monkeypatch):
    import stable_baselines3

    from valuescape.envs.world_env import WorldEnv

    monkeypatch.setattr(remarks, "_listeners", [])
    world = make_world("point_mass")
    path = tmp_path / "untrained.zip"
    stable_baselines3.SAC("MlpPolicy", WorldEnv(world), buffer_size=10, seed=0).save(path)
    heard = []
    remarks.listen(heard.append)
    for _ in range(2):
        assert find_checkpoint(str(path), world).algorithm == "sac"
    (said,) = heard
    assert "may have learned little yet, or not fit point_mass" in said


def test_a_home_that_is_nobody_s_is_a_sentence():
    with pytest.raises(UsageError, match=r"policy\.checkpoint"):
        find_checkpoint("~nosuchuser/model.zip", make_world("pendulum"))


def test_training_is_advised_only_where_it_can_be_done():
    with pytest.raises(UsageError, match="valuescape train gymnasium:CartPole-v1"):
        find_checkpoint("auto", make_world("gymnasium:CartPole-v1"))
    with pytest.raises(UsageError) as caught:
        find_checkpoint("auto", make_world("flock"))
    assert "valuescape train" not in str(caught.value)
