"""Returns against a parameter that is spread over the episodes."""

import json
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from small_worlds import NONE, always_on

from valuescape.analysis.episodes import run_episodes
from valuescape.analysis.robustness import robustness_of, sentence, table
from valuescape.api import DiscreteAction, ElementwiseWorld, Parameter, Variable
from valuescape.sim.worlds.parameters import Range

SHIPPED = Path(str(files("valuescape.configs").joinpath("checkpoints")))


class Toll(ElementwiseWorld):
    """Each of ten steps costs the toll, which is all that an episode returns."""

    name = "toll"
    state = obs = (Variable("x", "", -1.0, 1.0), Variable("y", "", -1.0, 1.0))
    action = DiscreteAction(("stay", "go"))
    parameters = (Parameter("other", "", 1.0, 0.0, 2.0), Parameter("toll", "€", 2.0, 0.0, 9.0))
    step_s, max_episode_steps, reset_draws = 1.0, 10, 2

    @staticmethod
    def start(draws):
        return draws

    @staticmethod
    def dynamics(state, action, parameters):
        return state, -parameters[1] + NONE * state[0], action[0] < NONE


@pytest.fixture(scope="module")
def episodes():
    world = Toll()
    world.values = {"toll": Range(1.0, 5.0)}
    return world, run_episodes(replace(always_on(), gamma=1.0), world, 200, 7)


def test_returns_are_grouped_by_the_parameter_that_is_spread(episodes):
    world, run = episodes
    (found,) = robustness_of(world, run, 3)
    assert found.parameter.name == "toll"
    np.testing.assert_allclose(found.returns, -10 * found.values, rtol=1e-5)
    assert np.ptp(found.values) > 3.5
    assert len(found.bins) == 12
    assert sum(each.episodes for each in found.bins) == 200
    for each in found.bins:
        within = (found.values >= each.low) & (found.values < each.high)
        assert each.episodes == within.sum() > 5
        mean = each.mean_return
        assert mean.value == pytest.approx(found.returns[within].mean())
        assert mean.low < mean.value < mean.high
        # A mean of uniform draws, whose deviation is known.
        width = 2 * 1.96 * 10 * (each.high - each.low) / np.sqrt(12 * each.episodes)
        assert mean.high - mean.low == pytest.approx(width, rel=0.5)


def test_interrupted_episodes_are_left_out_and_an_empty_bin_is_unknown(episodes):
    world, run = episodes
    unknown = np.where(run.parameters[1] < 2, np.nan, run.returns)
    (found,) = robustness_of(world, replace(run, returns=unknown), 3)
    assert [each.episodes for each in found.bins[:3]] == [0, 0, 0]
    assert len(found.known) == 9
    assert table(found)[1][1:] == ["0", "nan", "nan to nan"]
    said = sentence(found)
    assert said.startswith("Along toll (€) the return is highest at 2 to 2.333, -21")
    assert "lowest at 4.667 to 5, -48" in said
    assert robustness_of(Toll(), run, 3) == []


def test_the_command_says_where_a_policy_breaks(cli, tmp_path, without_drawing):
    """The shipped policy swings the pendulum up on the earth, but not at three times its gravity."""
    arguments = "--world", "pendulum", "--episodes", 64, "--cells", 8, "--rollouts", 2
    status, said, errors = cli(
        *("analyze", SHIPPED / "pendulum.safetensors", *arguments, "--out", tmp_path / "out"),
        *("--set", "world.parameters.gravity=5..30"),
    )
    assert status == 0, errors
    assert "gravity (m/s²)" in said
    assert "Along gravity (m/s²) the return is highest at 5 to " in said
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    (found,) = summary["return_against_parameter"]
    first, *_, last = (each["mean_return"] for each in found["bins"])
    assert first["low"] > -400
    assert last["high"] < -1000
    assert summary["config"]["world"]["parameters"] == {"gravity": "5..30"}
    assert "Return against gravity" in (tmp_path / "out/report.html").read_text()
