"""Analyses in environments of Gymnasium's: maps of their twins, and worlds whose state cannot be set."""

from dataclasses import replace

import gymnasium
import numpy as np
import pytest
from settable_envs import CANNOT, Goal, registered
from stable_baselines3 import PPO

from valuescape.analysis.analysis import Plan, analyze
from valuescape.presets import find_checkpoint
from valuescape.sim.insight.plane import own_plane
from valuescape.sim.worlds import make_world


def test_an_environment_of_gymnasium_has_the_maps_of_its_twin():
    """Classic control, whose state can be set; the critic and the episodes are over the same plane, too."""
    checkpoint = replace(find_checkpoint("auto", make_world("pendulum")), gamma=0.9)
    plan = Plan(episodes=4, cells=8, rollouts=2)
    env, twin = (
        analyze(checkpoint, own_plane(make_world(name)), plan)
        for name in ("gymnasium:Pendulum-v1", "pendulum")
    )
    assert env.maps.truth.value == pytest.approx(twin.maps.truth.value, abs=1e-3)
    assert np.array_equal(env.maps.value, twin.maps.value)
    assert env.maps.visits.count.sum() == len(env.judged.state) == 4 * 200
    assert np.abs(env.judged.state[:, 0]).max() > 1.1  # angles, not cosines


def test_a_world_that_cannot_be_put_into_a_state_has_numbers_and_says_why(cli, tmp_path, monkeypatch):
    name = registered(monkeypatch, Goal)
    PPO("MlpPolicy", gymnasium.make(name.removeprefix("gymnasium:")), device="cpu").save(tmp_path / "ppo.zip")
    status, said, errors = cli(
        *("analyze", tmp_path / "ppo.zip", "--world", name, "--episodes", 4, "--out", tmp_path / "out")
    )
    assert status == 0, errors
    assert f"cannot be put into a state of one's choice: what it does next {CANNOT[Goal]}." in " ".join(
        said.split()
    )
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "report.html",
        "summary.json",
        "arrays.npz",
    }


def test_maps_of_an_environment_can_be_interrupted():
    """Coarse cells come first, and a piece of work is short."""
    world = make_world("gymnasium:MountainCar-v0")
    checkpoint = find_checkpoint("auto", make_world("mountain_car"))
    asked = []

    def until_the_second_look(what, share):
        asked.append(what)
        return asked.count("rollouts from every cell") < 2

    plan = Plan(episodes=2, cells=256, rollouts=1, threads=2)
    found = analyze(checkpoint, own_plane(world), plan, until_the_second_look)
    assert not found.complete
    assert found.maps is None or found.maps.truth.progress < 1
