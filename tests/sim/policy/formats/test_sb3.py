"""Stable-Baselines3's zips: actions and values equal those of its own torch modules."""

import base64
import json
import pickle
import sys
import zipfile
from io import BytesIO
from pathlib import Path

import cloudpickle
import numpy as np
import pytest
import sb3_contrib
import stable_baselines3
import torch
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.torch_layers import FlattenExtractor
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

from valuescape.envs.world_env import WorldEnv
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.conversion import convert
from valuescape.sim.policy.fit import critic_fit
from valuescape.sim.policy.formats.given import Given
from valuescape.sim.policy.formats.native import load
from valuescape.sim.policy.inference import BatchPolicy, value
from valuescape.sim.policy.loading import load_checkpoint, load_with_statistics
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.policy.reference import TorchCheckpoint
from valuescape.sim.worlds import World, make_world

RELU = torch.nn.ReLU
MODELS = {
    "sac": ("SAC", "pendulum", {}),
    "sac gsde": ("SAC", "pendulum", {"use_sde": True}),
    "sac gsde clip": ("SAC", "point_mass", {"use_sde": True, "policy_kwargs": {"clip_mean": 0.3}}),
    "sac gsde no clip": ("SAC", "pendulum", {"use_sde": True, "policy_kwargs": {"clip_mean": 0.0}}),
    "sac arch": ("SAC", "pendulum", {"policy_kwargs": {"net_arch": {"pi": [], "qf": [24, 8, 8]}}}),
    "sac critics": ("SAC", "pendulum", {"policy_kwargs": {"n_critics": 3, "activation_fn": torch.nn.GELU}}),
    "td3": ("TD3", "point_mass", {"policy_kwargs": {"activation_fn": torch.nn.ELU}}),
    "ddpg": ("DDPG", "pendulum", {"policy_kwargs": {"net_arch": [12]}}),
    "dqn": ("DQN", "mountain_car", {"policy_kwargs": {"activation_fn": torch.nn.SiLU}}),
    "dqn arch": ("DQN", "mountain_car", {"policy_kwargs": {"net_arch": []}}),
    "tqc": ("TQC", "pendulum", {"policy_kwargs": {"net_arch": [32, 32]}}),
    "tqc gsde": ("TQC", "point_mass", {"use_sde": True, "policy_kwargs": {"net_arch": [16]}}),
    "tqc critics": (
        "TQC",
        "pendulum",
        {"policy_kwargs": {"n_critics": 3, "n_quantiles": 7, "net_arch": {"pi": [], "qf": [24, 8]}}},
    ),
    "qr-dqn": ("QRDQN", "mountain_car", {}),
    "qr-dqn arch": ("QRDQN", "mountain_car", {"policy_kwargs": {"n_quantiles": 5, "net_arch": []}}),
    "ppo": ("PPO", "pendulum", {}),
    "ppo arch": (
        "PPO",
        "point_mass",
        {"policy_kwargs": {"net_arch": {"pi": [], "vf": [9]}, "activation_fn": RELU}},
    ),
    "ppo discrete": ("PPO", "mountain_car", {"policy_kwargs": {"activation_fn": torch.nn.LeakyReLU}}),
    "ppo squashed": ("PPO", "pendulum", {"use_sde": True, "policy_kwargs": {"squash_output": True}}),
    "a2c": ("A2C", "mountain_car_continuous", {"policy_kwargs": {"activation_fn": torch.nn.Sigmoid}}),
    "a2c discrete": ("A2C", "mountain_car", {}),
}


def fresh_model(name: str):
    """Return an untrained model with weights so large that an error in them shows, and its world."""
    algorithm, world, settings = MODELS[name]
    torch.manual_seed(0)
    library = stable_baselines3 if hasattr(stable_baselines3, algorithm) else sb3_contrib
    model = getattr(library, algorithm)(
        "MlpPolicy", WorldEnv(make_world(world)), seed=0, device="cpu", **settings
    )
    with torch.no_grad():
        for parameter in model.policy.parameters():
            parameter.add_(0.7 * torch.randn_like(parameter) / parameter.shape[-1] ** 0.5)
    model.policy.set_training_mode(False)
    return model, make_world(world)


def observations(world: World, n: int = 300) -> np.ndarray:
    return np.random.default_rng(1).standard_normal((len(world.obs), n), np.float32)


def act(checkpoint: Checkpoint, world: World, obs: np.ndarray) -> np.ndarray:
    out = np.empty((1, obs.shape[1]), np.float32)
    BatchPolicy(checkpoint, world.action, obs.shape[1]).act(obs, out)
    return out


@torch.no_grad()
def value_by_sb3(model, obs: np.ndarray) -> np.ndarray:
    """Return V [n] from Stable-Baselines3's own modules, for obs [obs_dim, n]."""
    batch = torch.from_numpy(obs.T.copy())
    if hasattr(model, "quantile_net"):
        return model.quantile_net(batch).mean(dim=1).amax(dim=1).numpy()
    if isinstance(
        model, sb3_contrib.TQC
    ):  # as its actor is trained: the mean, of which no quantile is dropped
        return model.critic(batch, model.actor(batch, deterministic=True)).mean(dim=(1, 2)).numpy()
    if hasattr(model, "q_net"):
        return model.q_net(batch).amax(dim=1).numpy()
    if hasattr(model, "critic"):
        scores = model.critic(batch, model.actor(batch, **deterministic(model)))
        return torch.cat(scores, dim=1).amin(dim=1).numpy()
    return model.policy.predict_values(batch)[:, 0].numpy()


def deterministic(model) -> dict[str, bool]:
    return {"deterministic": True} if isinstance(model, stable_baselines3.SAC) else {}


@pytest.mark.parametrize("name", MODELS)
def test_action_and_value_are_those_of_stable_baselines3(name, tmp_path):
    model, world = fresh_model(name)
    model.save(tmp_path / "model.zip")
    checkpoint, obs = load_checkpoint(tmp_path / "model.zip", world), observations(world)
    assert checkpoint.algorithm == MODELS[name][0].lower().replace("qrdqn", "qr-dqn")
    assert checkpoint.gamma == model.gamma
    expected = np.asarray(model.predict(obs.T, deterministic=True)[0]).reshape(1, -1)
    np.testing.assert_allclose(act(checkpoint, world, obs), expected, atol=1e-5, rtol=1e-5)
    np.testing.assert_allclose(value(checkpoint, obs), value_by_sb3(model, obs), atol=1e-5, rtol=1e-5)
    assert len(np.unique(expected)) > 1


def rewritten(path: Path, data=None, tensors=None, rename=()) -> Path:
    """Change entries of the JSON and the tensors (None removes one), and rename tensors by prefix."""
    with zipfile.ZipFile(path) as archive:
        settings = json.loads(archive.read("data"))
        state = torch.load(BytesIO(archive.read("policy.pth")), weights_only=True)
    settings.update(data or {})
    state.update(tensors or {})
    for old, new in rename:
        state = {name.replace(old, new): tensor for name, tensor in state.items()}
    weights = BytesIO()
    torch.save({name: tensor for name, tensor in state.items() if tensor is not None}, weights)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data", json.dumps(settings))
        archive.writestr("policy.pth", weights.getvalue())
    return path


def saved(name: str, tmp_path: Path) -> tuple[Path, World]:
    model, world = fresh_model(name)
    model.save(tmp_path / "model.zip")
    return tmp_path / "model.zip", world


def test_a_shared_net_of_older_releases_comes_first(tmp_path):
    path, world = saved("ppo", tmp_path)
    plain = load_checkpoint(path, world)
    shared = torch.randn(3, 3), torch.randn(3)
    names = [f"mlp_extractor.shared_net.0.{part}" for part in ("weight", "bias")]
    checkpoint = load_checkpoint(rewritten(path, tensors=dict(zip(names, shared, strict=True))), world)
    obs = observations(world)
    latent = np.tanh(shared[0].numpy() @ obs + shared[1].numpy()[:, None])
    np.testing.assert_allclose(act(checkpoint, world, obs), act(plain, world, latent), atol=1e-5)
    np.testing.assert_allclose(value(checkpoint, obs), value(plain, latent), atol=1e-5)


def test_the_json_of_gym_is_read_like_gymnasium_s(tmp_path):
    path, world = saved("sac", tmp_path)
    box = {":type:": "<class 'gym.spaces.box.Box'>", "shape": [1], "low": "[-2.]", "high": "[2.]"}
    checkpoint = load_checkpoint(rewritten(path, data={"action_space": box}), world)
    assert checkpoint.action_high == 2


@pytest.mark.parametrize(
    ("name", "world"),
    [
        ("dqn-MountainCar-v0.zip", "mountain_car"),
        ("ppo-MountainCar-v0.zip", "mountain_car"),
        ("sac-MountainCarContinuous-v0.zip", "mountain_car_continuous"),
        ("sac-Pendulum-v1.zip", "pendulum"),
    ],
)
def test_the_models_of_the_zoo_run(name, world, zoo):
    world = make_world(world)
    checkpoint, obs = load_checkpoint(zoo(name), world), observations(world)
    reference, batch = TorchCheckpoint(checkpoint), torch.from_numpy(obs.T.copy())
    np.testing.assert_allclose(act(checkpoint, world, obs).T, reference.act(batch), atol=1e-5, rtol=1e-5)
    np.testing.assert_allclose(value(checkpoint, obs), reference.value(batch), atol=1e-5, rtol=1e-5)


def test_ppo_of_the_zoo_is_right_with_its_statistics_and_remarked_without(zoo, tmp_path):
    from valuescape.training.evaluate import evaluate_checkpoint

    model, pickled = zoo("ppo-MountainCar-v0.zip"), zoo("ppo-MountainCar-v0-vecnormalize.pkl")
    out, world = tmp_path / "out.safetensors", make_world("mountain_car")
    convert(model, out, "mountain_car", Given(obs_normalization=pickled))
    result = evaluate_checkpoint(load(out), world, 50, seed=0)
    assert result.mean_return > -130
    assert result.terminated == 1
    fit = critic_fit(load(out), world)
    assert fit.error < 0.2
    assert fit.value == pytest.approx(fit.realised, rel=0.05)
    assert load_with_statistics(model, world).reward_normalization == load(out).reward_normalization
    alone = tmp_path / "model.zip"
    alone.write_bytes(model.read_bytes())
    (said,) = load_with_statistics(alone, world).remarks
    assert "V(s) of starts is -3.2" in said
    assert "first layer's sums spread by" in said
    assert "agents get -200 an episode, and got -111.3 at the end of the training" in said
    assert "--obs-normalization FILE" in said


def test_statistics_of_a_current_release_are_applied_as_it_does(tmp_path):
    model, world = fresh_model("ppo")
    environment = VecNormalize(DummyVecEnv([lambda: WorldEnv(world)]), clip_obs=1.5)
    environment.reset()
    for _ in range(50):
        environment.step(np.zeros((1, 1), np.float32))
    model.save(tmp_path / "model.zip")
    environment.save(str(tmp_path / "statistics.pkl"))
    out = tmp_path / "out.safetensors"
    convert(tmp_path / "model.zip", out, world.name, Given(obs_normalization=tmp_path / "statistics.pkl"))
    obs = observations(world)
    expected = model.predict(environment.normalize_obs(obs.T), deterministic=True)[0].T
    np.testing.assert_allclose(act(load(out), world, obs), expected, atol=1e-5)
    assert load(out).world == "pendulum"


DISCRETE = {":type:": "<class 'gymnasium.spaces.discrete.Discrete'>", "n": "3", "start": "1"}
REFUSED_SETTINGS = {
    "graph": (
        "observation_space",
        {":type:": "<class 'gym.spaces.graph.Graph'>"},
        "observation_space is Graph, expected Box, Discrete",
    ),
    "multi": (
        "action_space",
        {":type:": "<class 'gym.spaces.MultiDiscrete'>", "nvec": "[2 3]"},
        "action_space is MultiDiscrete of 5",
    ),
    "tuple": (
        "action_space",
        {":type:": "<class 'gym.spaces.Tuple'>"},
        "action_space is Tuple, expected Box",
    ),
    "start": ("action_space", DISCRETE, "action_space begins at 1"),
    "mixed": ("action_space", {**DISCRETE, "start": 0}, "its action_space is Discrete of 3"),
    "too many": ("action_space", {**DISCRETE, "n": 10**300, "start": 0}, "a size of it is not from 0 to"),
    "no space": ("action_space", None, "action_space is None"),
    "activation": ("policy_kwargs", {"activation_fn": "<class 'my.Wave'>"}, "activation_fn is"),
    "gamma": ("gamma", None, "gamma is not a number"),
}


@pytest.mark.parametrize("name", REFUSED_SETTINGS)
def test_what_is_no_plain_mlp_policy_is_refused_by_key(name, tmp_path):
    key, entry, message = REFUSED_SETTINGS[name]
    path, world = saved("sac", tmp_path)
    with pytest.raises(UsageError) as caught:
        load_checkpoint(rewritten(path, data={key: entry}), world)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


REFUSED_TENSORS = {
    "nan": ({"actor.mu.weight": torch.full((1, 256), torch.nan)}, "actor.mu.weight has 256 of 256 values"),
    "shape": ({"actor.mu.weight": torch.zeros(1, 7)}, "actor layer 2: weight has shape [1, 7], expected 256"),
    "missing": ({"critic.qf1.0.bias": None}, "critic.qf1.0.bias is missing"),
    "more": ({"lstm.weight": torch.zeros(1)}, "lstm.weight is of no multilayer perceptron"),
    "cnn": ({"actor.features_extractor.cnn.0.weight": torch.zeros(1)}, "feature extractor with weights"),
    "gap": ({"critic.qf0.3.weight": torch.zeros(1)}, "critic.qf0 has weights in modules [0, 2, 3, 4]"),
    "integers": (
        {"actor.mu.bias": torch.zeros(1, dtype=torch.int64)},
        "actor.mu.bias in policy.pth is no plain",
    ),
    "sparse": ({"actor.mu.bias": torch.zeros(1).to_sparse()}, "actor.mu.bias in policy.pth is no plain"),
    "huge": ({"actor.mu.bias": torch.zeros(1).expand(2**40)}, "claims the shape [1099511627776]"),
}


@pytest.mark.parametrize("name", REFUSED_TENSORS)
def test_unsound_tensors_are_refused_by_name(name, tmp_path):
    tensors, message = REFUSED_TENSORS[name]
    path, world = saved("sac", tmp_path)
    with pytest.raises(UsageError) as caught:
        load_checkpoint(rewritten(path, tensors=tensors), world)
    assert message in str(caught.value)


REFUSED_QUANTILES = {
    "vector": (
        {"critic.qf0.2.weight": torch.zeros(25)},
        "critic.qf0.2.weight and .bias have shapes [25] and",
    ),
    "bias": (
        {"critic.qf1.2.bias": torch.zeros(24)},
        "critic.qf1.2.weight and .bias have shapes [25, 16] and",
    ),
    "none": (
        {"critic.qf0.2.weight": torch.zeros(0, 16), "critic.qf0.2.bias": torch.zeros(0)},
        "0 quantiles are not as many for each of 1 action",
    ),
    "unlike": (
        {"critic.qf1.2.weight": torch.zeros(24, 16), "critic.qf1.2.bias": torch.zeros(24)},
        "quantiles of critic 1 are 24, expected as many as critic 0's 25",
    ),
    "critic": ({"critic.qf0.0.weight": None}, "critic.qf0 has weights in modules [2]"),
}


@pytest.mark.parametrize("name", REFUSED_QUANTILES)
def test_unsound_quantiles_are_refused_by_name(name, tmp_path):
    tensors, message = REFUSED_QUANTILES[name]
    path, world = saved("tqc gsde", tmp_path)
    with pytest.raises(UsageError) as caught:
        load_checkpoint(rewritten(path, tensors=tensors), world)
    assert message in str(caught.value)


def test_quantiles_must_be_as_many_for_each_action(tmp_path):
    path, world = saved("qr-dqn arch", tmp_path)
    tensors = {
        "quantile_net.quantile_net.0.weight": torch.zeros(16, 2),
        "quantile_net.quantile_net.0.bias": torch.zeros(16),
    }
    with pytest.raises(UsageError, match="16 quantiles are not as many for each of 3 actions"):
        load_checkpoint(rewritten(path, tensors=tensors), world)


class TwoNetsPolicy(ActorCriticPolicy):
    """A user's own policy: the hidden layers of its critic have another activation."""

    def _build_mlp_extractor(self) -> None:
        super()._build_mlp_extractor()
        self.mlp_extractor.value_net = torch.nn.Sequential(torch.nn.Linear(3, 64), torch.nn.ELU())


class Doubled(FlattenExtractor):
    """A feature extractor without weights."""

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        return 2 * super().forward(observations)


class ReLU(torch.nn.Module):
    """An activation that shares its name with torch's."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * x


OWN = {
    "policy": (TwoNetsPolicy, {}, r"policy_class is .*(TwoNetsPolicy|pickled with its code)"),
    "extractor": (
        "MlpPolicy",
        {"features_extractor_class": Doubled},
        r"features_extractor_class is .*Doubled",
    ),
    "activation": ("MlpPolicy", {"activation_fn": ReLU}, r"activation_fn is .*ReLU"),
}


@pytest.mark.parametrize("by_value", [False, True])
@pytest.mark.parametrize("name", OWN)
def test_networks_of_the_user_s_own_are_refused_by_name(name, by_value, tmp_path):
    policy, options, message = OWN[name]
    world = make_world("pendulum")
    model = stable_baselines3.PPO(policy, WorldEnv(world), device="cpu", policy_kwargs=options)
    module = sys.modules[__name__]
    if by_value:  # as a class of `__main__` is kept
        cloudpickle.register_pickle_by_value(module)
    try:
        model.save(tmp_path / "model.zip")
    finally:
        if by_value:
            cloudpickle.unregister_pickle_by_value(module)
    with pytest.raises(UsageError, match=message):
        load_checkpoint(tmp_path / "model.zip", world)


KNOWN_BY_NAME = {
    "sb3_contrib.ars.policies.ARSLinearPolicy": "a model of ARS, which has no critic",
    "sb3_contrib.qrdqn.policies.CnnPolicy": "policy_class is sb3_contrib.qrdqn",
    "sb3_contrib.tqc.policies.CnnPolicy": "policy_class is sb3_contrib.tqc",
    "sb3_contrib.crossq.policies.CrossQPolicy": "a model of CrossQ",
    "sb3_contrib.common.recurrent.policies.RecurrentActorCriticPolicy": "a model of RecurrentPPO",
    "stable_baselines3.common.policies.ActorCriticCnnPolicy": "policy_class is stable_baselines3.common",
}


@pytest.mark.parametrize("name", KNOWN_BY_NAME)
def test_models_that_are_not_read_are_named_by_algorithm(name, tmp_path):
    path, world = saved("ppo", tmp_path)
    module, _, short = name.rpartition(".")
    content = pickle.GLOBAL + f"{module}\n{short}\n".encode() + pickle.STOP
    entry = {"__module__": module, ":serialized:": base64.b64encode(content).decode()}
    with pytest.raises(UsageError) as caught:
        load_checkpoint(rewritten(path, data={"policy_class": entry}), world)
    assert KNOWN_BY_NAME[name] in str(caught.value)


UNKNOWN_SETTINGS = {
    "option": ({"policy_kwargs": {"residual": True}}, "policy_kwargs.residual is no option"),
    "options": ({"policy_kwargs": [1]}, "policy_kwargs is"),
    "no class": ({"policy_class": None}, "policy_class is None"),
    "class without a pickle": (
        {"policy_class": {"__module__": "stable_baselines3.ppo"}},
        "pickled with its code",
    ),
    "images": ({"observation_space": {"dtype": "uint8"}}, "images are not read"),
}


@pytest.mark.parametrize("name", UNKNOWN_SETTINGS)
def test_settings_that_are_not_known_are_refused_by_name(name, tmp_path):
    data, message = UNKNOWN_SETTINGS[name]
    path, world = saved("ppo", tmp_path)
    with pytest.raises(UsageError) as caught:
        load_checkpoint(rewritten(path, data=data), world)
    assert message in str(caught.value)


@pytest.mark.parametrize("number", [np.float32(0.9), np.float64(0.9), np.array(0.9)])
def test_a_discount_of_numpy_s_is_read(number, tmp_path):
    model, world = fresh_model("ppo")
    model.gamma = number
    model.save(tmp_path / "model.zip")
    assert load_checkpoint(tmp_path / "model.zip", world).gamma == pytest.approx(0.9)


def test_algorithms_are_named_by_their_settings(tmp_path):
    path, world = saved("a2c discrete", tmp_path)
    assert load_checkpoint(rewritten(path, data={"cg_max_steps": 15}), world).algorithm == "trpo"
    masked = (
        pickle.GLOBAL + b"sb3_contrib.common.maskable.policies\nMaskableActorCriticPolicy\n" + pickle.STOP
    )
    entry = {":serialized:": base64.b64encode(masked).decode()}
    assert load_checkpoint(rewritten(path, data={"policy_class": entry}), world).algorithm == "maskable ppo"
    one = stable_baselines3.TD3(
        "MlpPolicy", WorldEnv(make_world("pendulum")), policy_kwargs={"n_critics": 1}, device="cpu"
    )
    one.save(tmp_path / "one.zip")
    assert load_checkpoint(tmp_path / "one.zip", make_world("pendulum")).algorithm == "td3"


def test_squashed_means_without_gsde_are_scaled_and_have_no_tanh(tmp_path):
    """Releases before 2.2 compute low + (mean + 1) / 2 * (high - low), clipped."""
    path, world = saved("ppo", tmp_path)
    obs = observations(world)
    mean = act_unclipped(load_checkpoint(path, world), obs)
    options = {"squash_output": True}
    checkpoint = load_checkpoint(rewritten(path, data={"policy_kwargs": options}), world)
    expected = np.clip(-2 + (mean + 1) / 2 * 4, -2, 2)
    assert 0 < (np.abs(expected) == 2).sum() < expected.size
    np.testing.assert_allclose(act(checkpoint, world, obs), expected, atol=1e-5)
    rows = torch.from_numpy(obs.T.copy())
    np.testing.assert_allclose(TorchCheckpoint(checkpoint).act(rows).numpy().T, expected, atol=1e-5)


def act_unclipped(checkpoint: Checkpoint, obs: np.ndarray) -> np.ndarray:
    """Return the actor's mean [action_dim, n]."""
    values = obs
    for layer in checkpoint.actor.layers:
        values = layer.weight @ values + layer.bias[:, None]
        values = np.tanh(values) if layer.activation == "tanh" else values
    return values


def test_a_name_without_its_zip_is_found(tmp_path):
    path, world = saved("ppo", tmp_path)
    assert load_checkpoint(path.with_suffix(""), world).algorithm == "ppo"
