"""Maps that the processor computes from checkpoints: their values in closed form, and what their bars say."""

from dataclasses import replace

import numpy as np
import pytest
from linear_critics import Drift, linear, linear_checkpoint, request_of
from sample_checkpoints import dqn_checkpoint, sac_checkpoint

from valuescape.gpu.layers.registry import MAPS
from valuescape.sim.config.files import load_config
from valuescape.sim.insight.needs import lacks_action_values, lacks_spread
from valuescape.sim.insight.plane import grid_states, own_plane
from valuescape.sim.insight.subject import Subject
from valuescape.sim.worlds import make_world

X, ANGLE, DEPTH = grid_states(own_plane(Drift()), 8).reshape(3, 8, 8)
CAR = make_world("mountain_car")


def computed(name, checkpoint, *settings, **of):
    """The values of a map."""
    return MAPS.find(name).compute(request_of(checkpoint, *settings, **of))


def legend(name, *settings, world=None, checkpoint=None):
    config = load_config(None, list(settings))
    return MAPS.find(name).legend(Subject(config, world or Drift(), checkpoint), config.insight)


def test_the_difference_of_two_linear_critics_is_linear():
    first, second = linear_checkpoint((1, 2, 3), 4), linear_checkpoint((-1, 2, 0.5), 1)
    np.testing.assert_allclose(
        computed("difference", first, other=second), 2 * X + 2.5 * DEPTH + 3, atol=1e-5
    )
    np.testing.assert_allclose(
        computed("other_value", first, other=second), -X + 2 * ANGLE + DEPTH / 2 + 1, atol=1e-5
    )


def test_the_disagreement_of_twins_is_their_distance():
    twins = linear((1, 0, 0), 0), linear((-1, 0, 0), 2)
    found = computed("disagreement", replace(linear_checkpoint(), critics=twins))
    np.testing.assert_allclose(found, np.abs(2 * X - 2), atol=1e-6)


@pytest.mark.parametrize(("setting", "part"), [("insight.action=''", 0), ("insight.action=turn", 1)])
def test_the_policy_shows_one_part_of_an_action_in_its_unit(setting, part):
    found = computed("policy", linear_checkpoint(action=(1.5, -20)), setting)
    assert (found == (1.5, -20)[part]).all()
    said = legend("policy", setting)
    assert said.label == ("east (m)", "turn (rad)")[part]
    assert (said.ends.low, said.ends.high, said.ends.centred) == ((-2, 2, True), (-60, 60, True))[part]


def test_a_discrete_policy_is_shown_by_the_names_of_its_actions():
    checkpoint = dqn_checkpoint()
    found = computed("policy", checkpoint, world=CAR)
    assert set(np.unique(found)) <= {0.0, 1.0, 2.0}
    assert legend("policy", world=CAR).names == CAR.action.names


def test_the_marginal_value_is_the_mean_over_agents():
    states = np.float32([[0.1, 0.2, -0.9], [0.1, 0.1, -4.9], [1, 3, 2]])
    found = computed("marginal_value", linear_checkpoint((1, 0, 2)), states=states)
    assert found[4, 4] == pytest.approx(0.15 + 4, abs=1e-5)
    assert found[0, 0] == pytest.approx(-0.9 + 4, abs=1e-5)
    assert np.isnan(found).sum() == 62


def test_an_advantage_says_of_which_action_over_which():
    said = legend("advantage", "insight.action=2", world=CAR, checkpoint=dqn_checkpoint())
    assert (said.title, said.meaning) == ("advantage", "Q(s, push right) − Q(s, mean)")
    ahead = legend("advantage", "insight.action=1", checkpoint=linear_checkpoint())
    assert ahead.title == "one step ahead"
    assert ahead.meaning == "r + γV after 1 − the same after middle"


def test_a_comparison_names_the_file():
    for name in ("other_value", "difference"):
        assert "model_b" in legend(name, "insight.compare_with=runs/model_b.zip").title
        assert "the shipped one" in legend(name, "insight.compare_with=auto").title


@pytest.mark.parametrize(
    ("name", "checkpoint", "settings", "said"),
    [
        ("policy", None, [], "there is no trained policy"),
        ("flow", None, [], "there is no trained policy"),
        ("uphill", None, [], "there is no checkpoint with a critic"),
        ("disagreement", dqn_checkpoint(), [], "the critic of dqn has neither a twin nor quantiles"),
        ("difference", sac_checkpoint(), [], "insight.compare_with names no other checkpoint"),
        ("marginal_value", sac_checkpoint(), [], "both state variables of point_mass are on the map"),
        ("uphill", sac_checkpoint(), ["policy.torchscript_critic=a.pt"], "takes the place of the checkpoint"),
    ],
)
def test_what_a_map_lacks_is_said(name, checkpoint, settings, said):
    subject = Subject(load_config(None, settings), make_world("point_mass"), checkpoint)
    assert said in MAPS.find(name).lacks(subject)


def test_an_environment_cannot_take_a_step_from_a_state_but_its_critic_may_judge_actions():
    """Critics of actions need no step; critics of states do."""

    class Environment:
        name, action, state = "env", CAR.action, CAR.state

    config = load_config(None, [])
    of_actions = Subject(config, Environment(), dqn_checkpoint())
    of_states = Subject(config, Environment(), linear_checkpoint((1, 2)))
    said = "steps of env from a state of one's choice are not computed here"  # though some can be put there
    assert MAPS.find("flow").lacks(of_actions) == said
    assert lacks_action_values(of_actions) == ""
    assert lacks_action_values(of_states) == said
    assert lacks_spread(Subject(config, Environment(), sac_checkpoint())) == ""
