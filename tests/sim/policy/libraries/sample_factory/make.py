"""Makes the fixtures of this folder with Sample Factory: python make.py"""

import json
import sys
from importlib.metadata import version
from pathlib import Path

import gymnasium
import numpy as np
import torch
from sample_factory.cfg.arguments import default_cfg
from sample_factory.model.actor_critic import create_actor_critic
from sample_factory.utils.attr_dict import AttrDict
from torch import nn

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from writing import write_expected  # noqa: E402

VERSION = {"library": "Sample Factory", "version": version("sample-factory")}
PENDULUM = gymnasium.spaces.Box(-8, 8, (3,)), gymnasium.spaces.Box(-2, 2, (1,))
MOUNTAIN = gymnasium.spaces.Box(-1, 1, (2,)), gymnasium.spaces.Discrete(3)


def network(spaces, **options):
    """Return a model with moved statistics and weights larger than at the start, and its configuration."""
    config = AttrDict(vars(default_cfg(env="my_env")))
    config.update({"use_rnn": False, "encoder_mlp_layers": [12, 10], "normalize_input": True, **options})
    model = create_actor_critic(config, gymnasium.spaces.Dict({"obs": spaces[0]}), spaces[1])
    for name, parameter in model.named_parameters():
        if "learned_stddev" not in name:
            nn.init.normal_(parameter, std=1.0 / max(parameter.shape[-1], 4) ** 0.5)
    inputs = spaces[0].shape[0]
    model.train()
    model.normalize_obs({"obs": 0.5 + torch.linspace(0.5, 3, inputs) * torch.randn(400, inputs)})
    model.returns_normalizer(-40 + 30 * torch.randn(400, 1))
    model.eval()
    return model, config


def write(name, model, config, obs, action, world, given):
    """Write a training's folder with one checkpoint and what is expected of it."""
    place = HERE / name / "checkpoint_p0"
    place.mkdir(parents=True, exist_ok=True)
    said = {key: each for key, each in config.items() if not key.startswith(("cli", "git"))}
    (HERE / name / "config.json").write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    state = {"train_step": 5, "env_steps": 90, "model": model.state_dict(), "optimizer": {}, "curr_lr": 1e-4}
    torch.save(state, place / "checkpoint_000000005_90.pth")
    value = outputs(model, obs)["values"].reshape(-1, 1).clone()
    model.returns_normalizer(value, denormalize=True)
    about = VERSION | {
        "world": world,
        "given": given,
        "file": f"{name}/checkpoint_p0/checkpoint_000000005_90.pth",
    }
    value = value[:, 0] / config["reward_scale"]
    write_expected(HERE / f"{name}.pth", obs=obs, action=action, value=value, **about)


def outputs(model, obs):
    """Return what the model computes of observations."""
    return model(model.normalize_obs({"obs": obs}), torch.zeros(len(obs), 1))


def main() -> None:
    """Write the files."""
    torch.manual_seed(0)
    obs = torch.from_numpy(np.random.default_rng(0).normal(size=(64, 3), scale=2).astype(np.float32))
    with torch.no_grad():
        options = {"adaptive_stddev": False, "continuous_tanh_scale": 1.5, "reward_scale": 0.1}
        model, config = network(PENDULUM, nonlinearity="tanh", decoder_mlp_layers=[8], gamma=0.97, **options)
        mean = outputs(model, obs)["action_logits"][:, :1]
        write("constant_std", model, config, obs, mean.clip(-2, 2), "pendulum", {})

        options = {"adaptive_stddev": True, "obs_subtract_mean": 0.3, "obs_scale": 2.0}
        model, config = network(PENDULUM, actor_critic_share_weights=False, **options)
        mean = outputs(model, obs)["action_logits"][:, :1]
        write("separate", model, config, obs, mean.clip(-2, 2), "pendulum", {"head": "clipped"})

        obs = obs[:, :2].contiguous()
        model, config = network(MOUNTAIN, nonlinearity="relu")
        scores = outputs(model, obs)["action_logits"]
        write("discrete", model, config, obs, scores.argmax(1), "mountain_car", {"head": "argmax"})


if __name__ == "__main__":
    main()
