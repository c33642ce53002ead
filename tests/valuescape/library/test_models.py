"""Models as functions of arrays: the numbers are those of Stable-Baselines3's own torch modules."""

import gymnasium
import numpy as np
import pytest
import sb3_contrib
import stable_baselines3
import torch
from gymnasium.wrappers import RecordEpisodeStatistics, TimeLimit, TransformReward
from library_files import CASES
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

import valuescape
from valuescape.library.worlds import world_name

SMALL = {"net_arch": [16]}
KINDS = {
    "PPO": ("Pendulum-v1", {}),
    "A2C": ("CartPole-v1", {}),
    "SAC": ("Pendulum-v1", {}),
    "TD3": ("Pendulum-v1", {}),
    "DQN": ("MountainCar-v0", {}),
    "TQC": ("Pendulum-v1", {"n_quantiles": 5}),
    "QRDQN": ("CartPole-v1", {"n_quantiles": 6}),
}


def fresh(kind, env=None):
    """An untrained model with weights so large that an error in them shows."""
    env_id, more = KINDS[kind]
    torch.manual_seed(1)
    library = stable_baselines3 if hasattr(stable_baselines3, kind) else sb3_contrib
    made = getattr(library, kind)("MlpPolicy", env or env_id, policy_kwargs=SMALL | more, device="cpu")
    with torch.no_grad():
        for parameter in made.policy.parameters():
            parameter.add_(0.7 * torch.randn_like(parameter) / parameter.shape[-1] ** 0.5)
    made.policy.set_training_mode(False)
    return made


def critic_values(model, obs):
    """V(s) by the library's own modules."""
    policy, tensor = model.policy, torch.as_tensor(obs, dtype=torch.float32)
    with torch.no_grad():
        if hasattr(policy, "predict_values"):
            return policy.predict_values(tensor)[:, 0].numpy()
        if hasattr(policy, "quantile_net"):
            return policy.quantile_net(tensor).mean(dim=1).max(dim=1).values.numpy()
        if hasattr(policy, "q_net"):
            return policy.q_net(tensor).max(dim=1).values.numpy()
        scores = policy.critic(tensor, policy._predict(tensor, deterministic=True))
        if isinstance(scores, torch.Tensor):  # TQC: critics by quantiles
            return scores.mean(dim=(1, 2)).numpy()
        return torch.cat(scores, dim=1).min(dim=1).values.numpy()


def observations(model, n=50):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, model.observation_space.shape[0]))


@pytest.mark.parametrize("kind", KINDS)
def test_policy_and_value_are_those_of_the_live_model(kind):
    theirs = fresh(kind)
    ours, obs = valuescape.load(theirs, KINDS[kind][0]), observations(theirs)
    expected = theirs.predict(obs.astype(np.float32), deterministic=True)[0]
    assert np.ptp(expected) > 0
    np.testing.assert_allclose(ours.policy(obs), expected, atol=1e-5)
    assert ours.policy(obs).dtype == expected.dtype
    np.testing.assert_allclose(ours.value(obs), critic_values(theirs, obs), rtol=1e-5, atol=1e-5)
    for row in (obs[3], obs[3].astype(np.float32), obs[3].tolist()):
        np.testing.assert_allclose(ours.policy(row), expected[3], atol=1e-5)
        np.testing.assert_allclose(ours.value(row), ours.value(obs)[3], atol=1e-5)
        assert np.shape(ours.value(row)) == ()


@pytest.mark.parametrize("kind", ["SAC", "TD3", "TQC"])
def test_q_is_of_actions_in_the_units_of_the_world(kind):
    theirs = fresh(kind)
    ours, obs = valuescape.load(theirs, "Pendulum-v1"), observations(theirs)
    action = np.random.default_rng(1).uniform(-2, 2, (len(obs), 1))
    scaled = torch.as_tensor(theirs.policy.scale_action(action), dtype=torch.float32)
    with torch.no_grad():
        scores = theirs.policy.critic(torch.as_tensor(obs, dtype=torch.float32), scaled)
    tqc = isinstance(scores, torch.Tensor)
    expected = scores.mean(dim=(1, 2)) if tqc else torch.cat(scores, dim=1).min(dim=1).values
    np.testing.assert_allclose(ours.q(obs, action), expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(ours.q(obs), ours.value(obs), rtol=1e-5)
    np.testing.assert_allclose(ours.q(obs, ours.policy(obs)), ours.value(obs), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", ["DQN", "QRDQN"])
def test_q_of_choices(kind):
    theirs = fresh(kind)
    ours, obs = valuescape.load(theirs, KINDS[kind][0]), observations(theirs)
    with torch.no_grad():
        tensor = torch.as_tensor(obs, dtype=torch.float32)
        quantiles = kind == "QRDQN"
        scores = theirs.policy.quantile_net(tensor).mean(dim=1) if quantiles else theirs.policy.q_net(tensor)
    np.testing.assert_allclose(ours.q(obs), scores, rtol=1e-5, atol=1e-5)
    chosen = np.arange(len(obs)) % scores.shape[1]
    np.testing.assert_allclose(ours.q(obs, chosen), scores.numpy()[np.arange(len(obs)), chosen], rtol=1e-5)
    with pytest.raises(valuescape.UsageError, match="expected 0 to"):
        ours.q(obs, chosen + 10)
    with pytest.raises(valuescape.UsageError, match="whole numbers"):
        ours.q(obs, chosen[1:])


class Actor(torch.nn.Module):
    """As CleanRL has it: a tanh that is scaled to the action's bounds."""

    def __init__(self):
        super().__init__()
        self.body = torch.nn.Sequential(torch.nn.Linear(3, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))
        self.register_buffer("action_scale", torch.tensor([2.0]))
        self.register_buffer("action_bias", torch.tensor([0.0]))

    def forward(self, obs):
        return torch.tanh(self.body(obs)) * self.action_scale + self.action_bias


def test_an_actor_and_a_critic_in_memory():
    torch.manual_seed(3)
    actor = Actor()
    critic = torch.nn.Sequential(torch.nn.Linear(3, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))
    ours = valuescape.load((actor, critic), world="Pendulum-v1", gamma=0.95)
    obs = np.random.default_rng(0).normal(size=(30, 3))
    tensor = torch.as_tensor(obs, dtype=torch.float32)
    with torch.no_grad():
        np.testing.assert_allclose(ours.policy(obs), actor(tensor), atol=1e-5)
        before = critic(tensor)[:, 0].numpy()
        np.testing.assert_allclose(ours.value(obs), before, rtol=1e-5, atol=1e-5)
        for parameter in critic.parameters():
            parameter.mul_(2)
    np.testing.assert_allclose(ours.value(obs), before, rtol=1e-5, atol=1e-5)  # a copy of then
    scaled = valuescape.load((actor, critic), world="Pendulum-v1", gamma=0.95, reward_scale=0.5)
    with torch.no_grad():
        np.testing.assert_allclose(scaled.value(obs), 2 * critic(tensor)[:, 0], rtol=1e-5, atol=1e-5)
    assert ours.gamma == 0.95
    with pytest.raises(valuescape.UsageError, match=r"gamma=0\.99"):
        valuescape.load((actor, critic), world="Pendulum-v1")
    with pytest.raises(valuescape.UsageError, match="world="):
        valuescape.load((actor, critic), gamma=0.9)


def test_rewards_that_were_multiplied_are_stated_of_files():
    case = CASES["rl_games/discrete"]
    given = {"activation": "elu", "gamma": 0.98}
    obs = np.random.default_rng(0).normal(size=(9, 2))
    plain = valuescape.load(case.file, "mountain_car", **given).value(obs)
    scaled = valuescape.load(case.file, "mountain_car", reward_scale=0.1, **given)
    np.testing.assert_allclose(scaled.value(obs), 10 * plain, rtol=1e-5)
    with pytest.raises(valuescape.UsageError, match="reward_scale = -1"):
        valuescape.load(case.file, "mountain_car", reward_scale=-1, **given)
    with pytest.raises(valuescape.UsageError, match=r"choices = .*expected a whole number"):
        valuescape.load(case.file, "mountain_car", choices=(1.5, 2), **given)


def test_a_live_model_says_its_world():
    assert valuescape.load(fresh("DQN")).world.name == "mountain_car"


def test_quantiles_are_the_librarys_sorted():
    theirs = fresh("TQC")
    ours, obs = valuescape.load(theirs, "Pendulum-v1"), observations(theirs)
    with torch.no_grad():
        tensor = torch.as_tensor(obs, dtype=torch.float32)
        own = theirs.policy._predict(tensor, deterministic=True)
        expected = theirs.policy.critic(tensor, own).flatten(1).sort(dim=1).values
    np.testing.assert_allclose(ours.quantiles(obs), expected, rtol=1e-5, atol=1e-5)
    assert ours.quantile_levels.shape == (10,)
    assert ours.quantiles(obs[0]).shape == (10,)


def test_a_live_model_with_normalised_observations_and_rewards():
    env = VecNormalize(DummyVecEnv([lambda: gymnasium.make("Pendulum-v1")]))
    env.obs_rms.mean[:], env.obs_rms.var[:], env.ret_rms.var = [0.2, -0.1, 1.0], [0.5, 0.6, 9.0], 400.0
    theirs = fresh("PPO", env)
    ours, obs = valuescape.load(theirs, "Pendulum-v1"), observations(theirs)
    normalised = env.normalize_obs(obs)
    expected = theirs.predict(normalised, deterministic=True)[0]
    np.testing.assert_allclose(ours.policy(obs), expected, atol=1e-5)
    np.testing.assert_allclose(ours.value(obs), 20 * critic_values(theirs, normalised), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("env", "own"),
    [
        (lambda: gymnasium.make("FrozenLake-v1", is_slippery=False), "is_slippery"),
        (lambda: gymnasium.make("CartPole-v1", max_episode_steps=50), "max_episode_steps"),
        (lambda: TransformReward(gymnasium.make("CartPole-v1"), abs), "TransformReward"),
        (lambda: gymnasium.make("FrozenLake-v1", render_mode="rgb_array"), ""),
        (lambda: RecordEpisodeStatistics(gymnasium.make("CartPole-v1")), ""),
    ],
)
def test_an_environment_that_steps_otherwise_is_not_taken_for_the_one_of_its_id(env, own):
    """As the world of a file, and as that of a live model."""
    if not own:
        assert world_name(env()) in ("gymnasium:FrozenLake-v1", "cartpole")
        return
    for asked in (lambda: world_name(env()), lambda: valuescape.load(fresh("A2C", env()))):
        with pytest.raises(valuescape.UsageError, match=f"its own {own}\n.*world=lambda"):
            asked()


def test_arrays_that_are_passed_stay_as_they_are_and_results_are_new():
    model, obs = valuescape.load("pendulum"), np.random.default_rng(0).normal(size=(64, 3))
    for dtype in (np.float64, np.float32, np.float16):
        for rows in (obs.astype(dtype), np.asfortranarray(obs.astype(dtype)), obs.astype(dtype)[::2]):
            rows.setflags(write=False)
            before = rows.copy()
            action, value, scores = model.policy(rows), model.value(rows), model.q(rows, model.policy(rows))
            drawn = model.policy(rows, deterministic=False, seed=1)
            assert (rows == before).all()
            for result in (action, value, scores, drawn):
                assert len(result) == len(rows)
                assert result.flags.owndata
                assert result.flags.writeable
                assert result.dtype == np.float32
    assert model.value(np.empty((0, 3))).shape == (0,)
    assert np.isnan(model.value([np.nan, 0, 0]))


def test_draws_follow_from_their_seed():
    model, obs = valuescape.load("pendulum"), np.zeros((200, 3))
    drawn = model.policy(obs, deterministic=False, seed=5)
    assert (drawn == model.policy(obs, deterministic=False, seed=5)).all()
    assert (drawn[:50] == model.policy(obs[:50], deterministic=False, seed=5)).all()
    assert (drawn != model.policy(obs, deterministic=False, seed=6)).any()
    assert (model.policy(obs, deterministic=False) != model.policy(obs, deterministic=False)).any()
    assert len(np.unique(drawn)) > 100
    assert np.abs(drawn).max() <= 2


def test_what_an_environment_returns_is_taken():
    model = valuescape.load("pendulum")
    env = gymnasium.make("Pendulum-v1")
    obs, _ = env.reset(seed=0)
    assert env.action_space.contains(model.policy(obs))
    with pytest.raises(valuescape.UsageError, match="first part"):
        model.policy(env.reset(seed=0))
    cart = gymnasium.make("CartPole-v1")
    action = valuescape.load("cartpole").policy(cart.reset(seed=0)[0])
    assert cart.action_space.contains(action)
    cart.step(action)


def test_observe_is_what_agents_see():
    model = valuescape.load("pendulum")
    seen = model.observe([[0.5, -2.0], [np.pi, 1.0]])
    expected = [[np.cos(0.5), np.sin(0.5), -2.0], [-1.0, 0.0, 1.0]]
    np.testing.assert_allclose(seen, expected, atol=1e-6)
    assert model.observe([0.5, -2.0]).shape == (3,)


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda model: model.policy([1, 2]), "cos"),
        (lambda model: model.value("abc"), "expected numbers"),
        (lambda model: model.value([[1, 2, 3], [1, 2]]), "expected numbers"),
        (lambda model: model.value(np.zeros((2, 2, 3))), r"expected \(3,\) or \(n, 3\)"),
        (lambda model: model.q(np.zeros((4, 3)), np.zeros((3, 1))), "one for each row"),
        (lambda model: model.quantiles(np.zeros(3)), "learns none"),
        (lambda model: model.policy(np.zeros(3), False, -1), "seed"),
    ],
)
def test_what_does_not_fit_is_told(ask, said):
    with pytest.raises(valuescape.UsageError, match=said):
        ask(valuescape.load("pendulum"))


def test_a_critic_of_states_has_no_q():
    with pytest.raises(valuescape.UsageError, match="advantage"):
        valuescape.load(fresh("PPO"), "Pendulum-v1").q(np.zeros(3))


class Tiles(gymnasium.Env):
    """Observes two choices, and is pushed by a matrix."""

    observation_space = gymnasium.spaces.MultiDiscrete([3, 2])
    action_space = gymnasium.spaces.Box(-1, 1, (2, 2))

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.array([2, 1]), {}

    def step(self, action):
        assert self.action_space.contains(action)
        return np.array([0, 1]), float(action.sum()), False, False, {}


def test_what_environments_of_odd_shapes_observe_and_are_given():
    rng = np.random.default_rng(3)
    actor, critic = [(rng.normal(size=(4, 5)), np.zeros(4))], [(rng.normal(size=(1, 5)), np.zeros(1))]
    model = valuescape.load((actor, critic), lambda: TimeLimit(Tiles(), 3), gamma=0.9, head="clipped")
    obs = model.world.making.env().reset()[0]
    row = gymnasium.spaces.flatten(Tiles.observation_space, obs)
    action = model.policy(obs)
    np.testing.assert_allclose(action, np.clip(actor[0][0] @ row, -1, 1).reshape(2, 2), rtol=1e-5)
    assert Tiles.action_space.contains(action)
    assert (model.policy([row, row]) == action).all()
    assert model.value(obs) == model.value(row)
    table = valuescape.rollouts(model, 2).to_pandas()
    assert [each for each in table if "action" in each] == [
        f"action action[{i}][{j}]" for i in (0, 1) for j in (0, 1)
    ]


def test_a_shipped_name_is_not_taken_for_another_world_s_checkpoint():
    assert valuescape.load("pendulum", world="Pendulum-v1").world.name == "pendulum"
    with pytest.raises(
        valuescape.UsageError, match="'pendulum' is the checkpoint that is shipped for pendulum"
    ):
        valuescape.load("pendulum", world="CartPole-v1")
