"""Makes the fixtures of this folder with rsl_rl, those of the release that is installed: python make.py

Releases 2, 3 and 5 name and place things differently; run it with each: rsl-rl-lib==2.3.3, 3.1.2, 5.5.1.
"""

import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from torch import nn

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from writing import write_expected  # noqa: E402

VERSION = version("rsl-rl-lib")
RELEASE = int(VERSION.split(".")[0])
SIZES = {"actor_hidden_dims": [12, 10], "critic_hidden_dims": [14, 12], "activation": "elu"}
OBS = torch.from_numpy(np.random.default_rng(0).normal(size=(64, 3), scale=2).astype(np.float32))


def larger(model):
    """Make weights larger than they are at the start, so that outputs differ from state to state."""
    for name, parameter in model.named_parameters():
        if name.endswith(("weight", "bias")):
            nn.init.normal_(parameter, std=1.8 / max(parameter.shape[-1], 4) ** 0.5)


def data(shift):
    """Return some observations for the statistics."""
    return shift + torch.tensor([0.5, 1.0, 3.0]) * torch.randn(400, 3)


def write(name, saved, mean, value):
    """Write one file and what is expected of it."""
    torch.save(saved | {"optimizer_state_dict": {}, "iter": 3, "infos": None}, HERE / f"{name}.pt")
    write_expected(
        HERE / f"{name}.pt",
        obs=OBS,
        action=mean.clip(-2, 2),
        value=value[:, 0],
        library="rsl_rl",
        version=VERSION,
        world="pendulum",
        given={"activation": "elu", "gamma": 0.98},
    )


def release_2():
    """Statistics beside the model, one for both."""
    from rsl_rl.modules import ActorCritic, EmpiricalNormalization

    model, normalizer = ActorCritic(3, 3, 1, **SIZES), EmpiricalNormalization([3], until=10**8)
    larger(model)
    normalizer(data(0.5))
    normalizer.eval()
    saved = {"model_state_dict": model.state_dict(), "obs_norm_state_dict": normalizer.state_dict()}
    saved["privileged_obs_norm_state_dict"] = normalizer.state_dict()
    seen = normalizer(OBS)
    write("release2", saved, model.act_inference(seen), model.evaluate(seen))


def release_3():
    """Statistics in the model; here the actor's and the critic's differ."""
    from rsl_rl.modules import ActorCritic
    from tensordict import TensorDict

    obs = TensorDict({"policy": OBS}, batch_size=[64])
    groups = {"policy": ["policy"], "critic": ["policy"]}
    normalized = {"actor_obs_normalization": True, "critic_obs_normalization": True}
    model = ActorCritic(obs, groups, 1, noise_std_type="log", **normalized, **SIZES)
    larger(model)
    model.actor_obs_normalizer.update(data(0.5))
    model.critic_obs_normalizer.update(data(-1.0))
    model.eval()
    write("release3", {"model_state_dict": model.state_dict()}, model.act_inference(obs), model.evaluate(obs))


def release_5():
    """Actor and critic apart."""
    from rsl_rl.models import MLPModel
    from tensordict import TensorDict

    obs = TensorDict({"policy": OBS}, batch_size=[64])
    groups = {"actor": ["policy"], "critic": ["policy"]}
    options = {"hidden_dims": [12, 10], "activation": "elu", "obs_normalization": True}
    gaussian = {"class_name": "GaussianDistribution", "init_std": 0.7, "std_type": "scalar"}
    actor = MLPModel(obs, groups, "actor", 1, distribution_cfg=gaussian, **options)
    critic = MLPModel(obs, groups, "critic", 1, **options)
    seen = TensorDict({"policy": data(0.5)}, batch_size=[400])
    for model in (actor, critic):
        larger(model)
        model.update_normalization(seen)
        model.eval()
    saved = {"actor_state_dict": actor.state_dict(), "critic_state_dict": critic.state_dict()}
    write("release5", saved, actor(obs), critic(obs))


if __name__ == "__main__":
    torch.manual_seed(0)
    with torch.no_grad():
        {2: release_2, 3: release_3, 5: release_5}[RELEASE]()
