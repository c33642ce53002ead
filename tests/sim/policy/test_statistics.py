"""VecNormalize's statistics: found beside a model, joined to it, and compared with returns in the world."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import stable_baselines3
import torch
from pickled_statistics import returns, statistics
from sample_checkpoints import sac_checkpoint

from valuescape.cli.app import run_cli
from valuescape.envs.world_env import WorldEnv
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.conversion import convert
from valuescape.sim.policy.fit import critic_fit
from valuescape.sim.policy.formats import native as store
from valuescape.sim.policy.formats.given import Given
from valuescape.sim.policy.formats.vecnormalize import read_statistics
from valuescape.sim.policy.inference import value
from valuescape.sim.policy.loading import load_checkpoint, load_with_statistics
from valuescape.sim.policy.network import Checkpoint, Mlp
from valuescape.sim.policy.reward_units import RewardUnits
from valuescape.sim.policy.statistics import statistics_beside, with_statistics
from valuescape.sim.worlds import make_world

SHIPPED = sorted((Path(__file__).parents[3] / "configs" / "checkpoints").glob("*.safetensors"))
MOUNTAIN_CAR = next(path for path in SHIPPED if path.stem == "mountain_car")
WORLD = make_world("mountain_car")
SCALE = 20.0


def divided(checkpoint: Checkpoint, scale: float = SCALE) -> Checkpoint:
    """Return the checkpoint with the critic that divided rewards would have given."""
    critics = []
    for critic in checkpoint.critics:
        *others, last = critic.layers
        small = np.float32(1 / scale)
        critics.append(Mlp((*others, replace(last, weight=last.weight * small, bias=last.bias * small))))
    return replace(checkpoint, critics=tuple(critics))


def write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_critics_fit_their_world_and_no_other_units(path):
    checkpoint = store.load(path)
    world = make_world(checkpoint.world)
    fit, small = critic_fit(checkpoint, world), critic_fit(divided(checkpoint), world)
    assert fit.error < 0.4
    assert small.error > 0.9
    assert 0.05 < fit.spread < 5
    assert small.realised == pytest.approx(fit.realised, rel=0.2)


@pytest.mark.parametrize("stem", ["cartpole", "acrobot", "mountain_car", "pendulum"])
def test_shipped_critics_fit_gymnasium_s_environments(stem):
    """An independent implementation: Gymnasium's own dynamics, starts and ends."""
    ids = {"cartpole": "CartPole-v1", "acrobot": "Acrobot-v1", "mountain_car": "MountainCar-v0"}
    checkpoint = store.load(next(path for path in SHIPPED if path.stem == stem))
    ours = critic_fit(checkpoint, make_world(stem))
    theirs = critic_fit(checkpoint, make_world(f"gymnasium:{ids.get(stem, 'Pendulum-v1')}"))
    assert theirs.error < 0.5
    assert theirs.realised == pytest.approx(ours.realised, rel=0.4)
    assert theirs.value == pytest.approx(ours.value, rel=0.4)


class Failing(type(WORLD)):
    """A world whose step has a fault."""

    def step(self, *arguments):
        raise ZeroDivisionError


def test_a_world_that_fails_or_cannot_be_alone_has_no_fit():
    assert critic_fit(store.load(MOUNTAIN_CAR), Failing()) is None
    assert critic_fit(store.load(MOUNTAIN_CAR), make_world("flock")) is None


def test_the_realised_return_is_that_of_steps_of_minus_one():
    """In the mountain car a return is -(1 - gamma^n) / (1 - gamma), whatever the critic says."""
    checkpoint = replace(store.load(MOUNTAIN_CAR), gamma=0.0)
    assert critic_fit(checkpoint, WORLD).realised == -1


@pytest.mark.parametrize("stated", [True, False])
def test_reward_units_are_those_in_which_the_critic_fits(stated, tmp_path):
    path = write(tmp_path / "v.pkl", returns(SCALE**2, norm_reward=stated))
    whole = store.load(MOUNTAIN_CAR)
    agreeing, other = (divided(whole), whole) if stated else (whole, divided(whole))
    taken = with_statistics(agreeing, path, WORLD, RewardUnits.AUTO).reward_normalization
    assert (taken is not None) == stated
    with pytest.raises(UsageError, match=r"says norm_reward .* divided by 20") as caught:
        with_statistics(other, path, WORLD, RewardUnits.AUTO)
    assert "--reward-scale" in str(caught.value)
    for units, scale in ((RewardUnits.ON, SCALE), (RewardUnits.OFF, None)):
        norm = with_statistics(other, path, WORLD, units).reward_normalization
        assert (norm and norm.scale) == scale


def test_a_critic_that_fits_in_no_units_is_asked_about_where_the_file_says_no(tmp_path):
    poor = divided(store.load(MOUNTAIN_CAR), -1.0)  # with the sign turned
    yes = write(tmp_path / "yes.pkl", returns(10.0**8, norm_reward=True))
    no = write(tmp_path / "no.pkl", returns(10.0**8, norm_reward=False))
    assert with_statistics(poor, yes, WORLD, RewardUnits.AUTO).reward_normalization.scale == 10**4
    with pytest.raises(UsageError, match="norm_reward False"):
        with_statistics(poor, no, WORLD, RewardUnits.AUTO)
    near = write(tmp_path / "near.pkl", returns(1.1, norm_reward=False))
    assert with_statistics(poor, near, WORLD, RewardUnits.AUTO).reward_normalization is None


def test_statistics_without_returns_cannot_divide_rewards(tmp_path):
    path = write(tmp_path / "v.pkl", statistics(norm_reward=True))
    assert read_statistics(path).reward is None
    checkpoint = store.load(MOUNTAIN_CAR)
    for units in (RewardUnits.AUTO, RewardUnits.ON):
        with pytest.raises(UsageError, match="no statistics of returns"):
            with_statistics(checkpoint, path, WORLD, units)
    off = with_statistics(checkpoint, path, WORLD, RewardUnits.OFF)
    np.testing.assert_array_equal(off.obs_normalization.mean, [1, 2])


def test_keyed_observations_are_named(tmp_path):
    path = write(tmp_path / "v.pkl", statistics(norm_obs_keys=["position"]))
    with pytest.raises(UsageError, match=r"keys \['position'\]"):
        read_statistics(path)


@pytest.mark.parametrize(
    ("model", "file"),
    [
        ("ppo.zip", "ppo-vecnormalize.pkl"),
        ("ppo.zip", "ppo_vecnormalize.pkl"),
        ("ppo.zip", "vecnormalize.pkl"),
        ("ppo.zip", "vec_normalize.pkl"),
        ("rl_model_500_steps.zip", "rl_model_vecnormalize_500_steps.pkl"),
        ("MountainCar-v0_1/MountainCar-v0.zip", "MountainCar-v0_1/MountainCar-v0/vecnormalize.pkl"),
        ("MountainCar-v0_1/best_model.zip", "MountainCar-v0_1/MountainCar-v0/vecnormalize.pkl"),
    ],
)
def test_statistics_are_found_by_their_usual_names(model, file, tmp_path):
    write(tmp_path / model, b"")
    assert statistics_beside(tmp_path / model) is None
    write(tmp_path / file, b"")
    assert statistics_beside(tmp_path / model) == tmp_path / file


def test_a_name_of_its_own_comes_before_the_folder_s(tmp_path):
    for name in ("vecnormalize.pkl", "a-vecnormalize.pkl"):
        write(tmp_path / name, b"")
    assert statistics_beside(tmp_path / "a.zip") == tmp_path / "a-vecnormalize.pkl"
    assert statistics_beside(tmp_path / "b.zip") == tmp_path / "vecnormalize.pkl"


def as_zip(checkpoint: Checkpoint, path: Path) -> Path:
    """Save a DQN checkpoint as Stable-Baselines3 does."""
    layers = checkpoint.actor.layers
    model = stable_baselines3.DQN(
        "MlpPolicy",
        WorldEnv(WORLD),
        gamma=checkpoint.gamma,
        buffer_size=1,
        device="cpu",
        policy_kwargs={"net_arch": [len(layer.bias) for layer in layers[:-1]]},
    )
    linear = [module for module in model.q_net.q_net if isinstance(module, torch.nn.Linear)]
    with torch.no_grad():
        for module, layer in zip(linear, layers, strict=True):
            module.weight.copy_(torch.tensor(layer.weight))
            module.bias.copy_(torch.tensor(layer.bias))
    model.save(path)
    return path


def of_normalised_observations() -> tuple[Checkpoint, bytes]:
    """Return the shipped network changed to expect normalised observations, and their statistics."""
    whole = store.load(MOUNTAIN_CAR)
    mean, std = np.array([-0.4, 0.01], np.float32), np.array([0.05, 0.004], np.float32)
    first, *others = whole.actor.layers
    bias = first.bias + first.weight @ mean
    network = Mlp((replace(first, weight=first.weight * std, bias=bias), *others))
    moments = {"mean": mean.astype(np.float64), "var": np.square(std.astype(np.float64))}
    return replace(whole, actor=network, critics=(network,)), statistics(rms=moments, clip_obs=100.0)


def test_a_model_with_statistics_beside_it_equals_the_original(tmp_path):
    model, pickled = of_normalised_observations()
    path = as_zip(model, tmp_path / "model.zip")
    alone = load_with_statistics(path, WORLD)
    assert alone.obs_normalization is None
    assert "seems not to fit mountain_car" in alone.remarks[0]
    assert "--obs-normalization FILE" in alone.remarks[0]
    assert alone.doubt.replace("this world", "mountain_car") in alone.remarks[0]
    write(tmp_path / "vecnormalize.pkl", pickled)
    found = load_with_statistics(path, WORLD)
    assert found.remarks == (
        f"model.zip: VecNormalize's statistics are from {tmp_path / 'vecnormalize.pkl'}",
    )
    obs = np.random.default_rng(0).uniform([[-1.2], [-0.07]], [[0.6], [0.07]], (2, 100)).astype(np.float32)
    np.testing.assert_allclose(value(found, obs), value(store.load(MOUNTAIN_CAR), obs), atol=1e-2)


def test_statistics_of_another_model_are_left_out(tmp_path):
    path = as_zip(store.load(MOUNTAIN_CAR), tmp_path / "model.zip")
    assert load_with_statistics(path, WORLD).remarks == ()
    write(tmp_path / "vecnormalize.pkl", statistics(rms={"mean": np.zeros(3), "var": np.ones(3)}))
    other = load_with_statistics(path, WORLD)
    assert other.obs_normalization is None
    assert "is of 3 observations, and left out" in other.remarks[0]
    write(tmp_path / "vecnormalize.pkl", statistics())
    foreign = load_with_statistics(path, WORLD)
    assert foreign.obs_normalization is None
    assert "the critic fits mountain_car without it" in foreign.remarks[0]
    given = load_with_statistics(path, WORLD, Given(obs_normalization=tmp_path / "vecnormalize.pkl"))
    assert given.obs_normalization is not None
    assert "other statistics" in given.remarks[0]


def test_a_saturated_first_layer_is_remarked(tmp_path):
    whole = store.load(MOUNTAIN_CAR)
    first, *others = whole.actor.layers
    loud = Mlp((replace(first, weight=first.weight * 1000), *others))
    path = as_zip(replace(whole, actor=loud), tmp_path / "model.zip")
    assert "first layer's sums spread by" in load_with_statistics(path, WORLD).remarks[0]


def test_an_observation_beyond_the_file_s_bounds_is_remarked(tmp_path):
    path = as_zip(store.load(MOUNTAIN_CAR), tmp_path / "model.zip")
    checkpoint = load_checkpoint(path, WORLD)
    assert np.isinf(checkpoint.obs_bounds[1]).all()
    from valuescape.sim.policy.world_fit import bounds_remark

    narrow = replace(checkpoint, obs_bounds=(np.full(2, -1.2, np.float32), np.array([0.6, 0.01], np.float32)))
    assert bounds_remark(checkpoint, WORLD) is None
    assert "observation 1 lies within -1.2 to 0.01 there, but velocity" in bounds_remark(narrow, WORLD)
    gymnasium_s = np.array([-1.2, -0.07], np.float32), np.array([0.6, 0.07], np.float32)
    assert bounds_remark(replace(checkpoint, obs_bounds=gymnasium_s), WORLD) is None


def test_an_output_that_is_an_input_is_refused(tmp_path):
    path = as_zip(store.load(MOUNTAIN_CAR), tmp_path / "model.zip")
    pickled = write(tmp_path / "v.pkl", returns(1.0, norm_reward=False))
    link = tmp_path / "link.safetensors"
    link.symlink_to(path)
    before = path.read_bytes(), pickled.read_bytes()
    for out in (path, pickled, link, tmp_path / ".." / tmp_path.name / "v.pkl"):
        with pytest.raises(UsageError, match="would be lost"):
            convert(path, out, "mountain_car", Given(obs_normalization=pickled), force=True)
    assert (path.read_bytes(), pickled.read_bytes()) == before


def test_only_checkpoints_of_ours_are_replaced_unasked(tmp_path):
    path = as_zip(store.load(MOUNTAIN_CAR), tmp_path / "model.zip")
    other = as_zip(store.load(MOUNTAIN_CAR), tmp_path / "other.zip")
    before = other.read_bytes()
    with pytest.raises(UsageError, match="--force"):
        convert(path, other, "mountain_car")
    assert other.read_bytes() == before
    out = tmp_path / "out.safetensors"
    for _ in range(2):
        convert(path, out, "mountain_car")
    convert(path, other, "mountain_car", force=True)
    assert store.load(other).world == "mountain_car"


@pytest.mark.parametrize("force", [False, True])
def test_a_device_or_pipe_is_never_replaced(force, tmp_path):
    path = as_zip(store.load(MOUNTAIN_CAR), tmp_path / "model.zip")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="is no plain file"):
        convert(path, tmp_path / "pipe", "mountain_car", force=force)
    assert (tmp_path / "pipe").is_fifo()


def test_statistics_found_beside_the_model_are_an_input_too(tmp_path):
    model, pickled = of_normalised_observations()
    path = as_zip(model, tmp_path / "model.zip")
    beside = write(tmp_path / "vecnormalize.pkl", pickled)
    with pytest.raises(UsageError, match="would be lost"):
        convert(path, beside, "mountain_car", force=True)
    assert beside.read_bytes() == pickled


def test_a_twice_converted_critic_is_not_scaled_twice(tmp_path):
    path = write(tmp_path / "v.pkl", returns(SCALE**2, norm_reward=True))
    store.save(divided(store.load(MOUNTAIN_CAR)), tmp_path / "a.safetensors")
    given = Given(obs_normalization=path)
    first = convert(tmp_path / "a.safetensors", tmp_path / "b.safetensors", "mountain_car", given)
    second = convert(tmp_path / "b.safetensors", tmp_path / "c.safetensors", "mountain_car", given)
    assert first.reward_normalization == second.reward_normalization
    obs = np.zeros((2, 1), np.float32)
    assert (
        value(second, obs)
        == value(first, obs)
        == pytest.approx(value(store.load(MOUNTAIN_CAR), obs), rel=1e-4)
    )


def test_a_world_that_does_not_fit_says_which_do(tmp_path):
    store.save(replace(sac_checkpoint(), world=""), tmp_path / "a.safetensors")
    with pytest.raises(UsageError, match="it fits point_mass"):
        load_checkpoint(tmp_path / "a.safetensors", WORLD)
    stacked = replace(store.load(MOUNTAIN_CAR), world="", obs_dim=2)
    first, *others = stacked.actor.layers
    network = Mlp((replace(first, weight=np.tile(first.weight, 4)), *others))
    stacked = replace(stacked, obs_dim=8, actor=network, critics=(network,))
    store.save(stacked, tmp_path / "b.safetensors")
    with pytest.raises(UsageError, match="frames stacked, 4 at a time"):
        load_checkpoint(tmp_path / "b.safetensors", WORLD)
    one = np.ones(1, np.float32)
    rescaled = replace(sac_checkpoint(), world="", action_low=-3 * one, action_high=3 * one)
    store.save(rescaled, tmp_path / "c.safetensors")
    with pytest.raises(UsageError, match="RescaleAction"):
        load_checkpoint(tmp_path / "c.safetensors", make_world("point_mass"))


def test_the_command_line_asks_and_takes_the_answer(tmp_path, capsys):
    write(tmp_path / "v.pkl", returns(SCALE**2, norm_reward=False))
    store.save(divided(store.load(MOUNTAIN_CAR)), tmp_path / "a.safetensors")
    (tmp_path / "notes.txt").write_text("mine")
    files = [str(tmp_path / name) for name in ("a.safetensors", "b.safetensors")]
    command = ["convert", *files, "--world", "mountain_car", "--vecnormalize", str(tmp_path / "v.pkl")]
    assert run_cli(command) == 2
    assert "says norm_reward False" in capsys.readouterr().err
    assert not (tmp_path / "b.safetensors").exists()
    assert run_cli([*command, "--reward-normalization", "on"]) == 0
    assert "DQN for mountain_car, rewards / 20 in training" in capsys.readouterr().out
    assert store.load(tmp_path / "b.safetensors").reward_normalization.scale == SCALE
    onto = [*command, "--reward-normalization", "off"]
    onto[2] = str(tmp_path / "notes.txt")
    assert run_cli(onto) == 2
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert run_cli([*onto, "--force"]) == 0
    assert store.load(tmp_path / "notes.txt").reward_normalization is None
