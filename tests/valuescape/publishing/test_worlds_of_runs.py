"""The world of a training run: a viewer makes an environment with the arguments that it was made with."""

import os

import gymnasium
import numpy as np
import pytest
from networks import random_mlp
from stable_baselines3.common.vec_env import DummyVecEnv

from valuescape.attached.opening import Waiting, open_target
from valuescape.publishing.publisher import publish
from valuescape.publishing.worlds import settings_of, world_of
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats.given import Given

NAME = f"worlds-{os.getpid()}"
LAKE = "FrozenLake-v1"


def lake(**own):
    return gymnasium.make(LAKE, map_name="8x8", is_slippery=False, **own)


@pytest.mark.parametrize(
    "env",
    [lake(render_mode="rgb_array"), gymnasium.vector.SyncVectorEnv([lake] * 2), DummyVecEnv([lake])],
    ids=["one", "vector", "of Stable-Baselines3"],
)
def test_arguments_of_an_environment_are_kept(env):
    world = world_of(env)
    assert world.name == f"gymnasium:{LAKE}"
    assert settings_of(world) == {"env": {"map_name": "8x8", "is_slippery": False}}
    env.close()


def test_a_world_of_this_program_gives_way_to_the_environment_with_its_arguments():
    assert world_of(gymnasium.make("Pendulum-v1")).name == "pendulum"
    world = world_of(gymnasium.make("Pendulum-v1", g=3.0, max_episode_steps=50))
    assert world.name == "gymnasium:Pendulum-v1"
    assert settings_of(world) == {"env": {"g": 3.0}, "max_episode_steps": 50}


def test_arguments_that_no_viewer_can_be_told_are_refused():
    env = gymnasium.make(LAKE)
    env.unwrapped.spec.kwargs["desc"] = object()
    with pytest.raises(UsageError, match=r"FrozenLake-v1 was made with desc = <object .*cannot be told"):
        world_of(env)


def test_a_viewer_makes_the_environment_with_the_same_arguments_also_from_the_history(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    wide = [(layer.weight, layer.bias) for layer in random_mlp((64, 4)).layers]
    expected = {"world.name": f"gymnasium:{LAKE}", "world.env": {"map_name": "8x8", "is_slippery": False}}
    with publish(NAME, world=lake(), quiet=True, activation="tanh") as run:
        run.update(wide, None, 5)
        live = _opened()
        live.source.close()
    past = _opened()
    past.source.close()
    for found in (live, past):
        assert found.changes.items() >= expected.items()
    assert np.array_equal(past.history.files().saved[-1].steps, 5)


def _opened():
    return open_target(NAME, Waiting(lambda: None, lambda _: None, 5.0), Given())


def test_code_of_ones_own_is_named_in_the_command_that_attaches(tmp_path, monkeypatch, capsys):
    """A viewer runs no code that its command line does not name."""
    (tmp_path / "own_lake.py").write_text(f"import gymnasium\ndef make(): return gymnasium.make('{LAKE}')\n")
    monkeypatch.syspath_prepend(tmp_path)
    publish(NAME, world="own_lake:make", history=None).close()
    assert capsys.readouterr().err.endswith(f"valuescape attach {NAME} --world own_lake:make\n")
