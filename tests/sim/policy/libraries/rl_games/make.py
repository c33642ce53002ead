"""Makes the fixtures of this folder with rl_games: python make.py"""

import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from rl_games.algos_torch.models import ModelA2C, ModelA2CContinuousLogStd
from rl_games.algos_torch.network_builder import A2CBuilder
from rl_games.algos_torch.players import rescale_actions
from torch import nn

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from writing import write_expected  # noqa: E402

VERSION = {"library": "rl_games", "version": version("rl-games")}
DEFAULT = {"name": "default"}
CONTINUOUS = {
    "mu_activation": "None",
    "sigma_activation": "None",
    "mu_init": DEFAULT,
    "sigma_init": {"name": "const_initializer", "val": 0.0},
    "fixed_sigma": True,
}


def network(kind, space, *, separate, inputs, actions, value):
    """Return a model with moved statistics and weights larger than at the start."""
    builder = A2CBuilder()
    layers = {"units": [12, 10], "activation": "elu", "initializer": DEFAULT}
    builder.load({"separate": separate, "space": space, "mlp": layers})
    config = {"actions_num": actions, "input_shape": (inputs,), "num_seqs": 1, "value_size": 1}
    model = kind(builder).build(config | {"normalize_value": value, "normalize_input": True})
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=1.8 / max(parameter.shape[-1], 4) ** 0.5)
    model.train()
    model.running_mean_std(0.5 + torch.linspace(0.5, 3, inputs) * torch.randn(400, inputs))
    if value:
        model.value_mean_std(-40 + 30 * torch.randn(400, 1))
    model.eval()
    return model


def saved(model):
    """Return what an agent saves."""
    state = {"epoch": 3, "frame": 90, "optimizer": {}, "last_mean_rewards": 1.5, "env_state": None}
    return {"model": model.state_dict()} | state


def main() -> None:
    """Write the files."""
    torch.manual_seed(0)
    obs = torch.from_numpy(np.random.default_rng(0).normal(size=(64, 3), scale=2).astype(np.float32))
    given = {"activation": "elu", "gamma": 0.98}
    with torch.no_grad():
        shape = {"separate": False, "inputs": 3, "actions": 1, "value": True}
        model = network(ModelA2CContinuousLogStd, {"continuous": CONTINUOUS}, **shape)
        found = model({"is_train": False, "obs": obs.clone()})
        action = rescale_actions(-2.0, 2.0, found["mus"].clip(-1, 1))
        about = VERSION | {"world": "pendulum", "given": given | {"squash": False}}
        value = found["values"][:, 0]
        torch.save(saved(model), HERE / "continuous.pth")
        write_expected(HERE / "continuous.pth", obs=obs, action=action, value=value, **about)

        old = saved(model)  # releases before 1.2 keep the statistics beside the model
        for name, place in (("running_mean_std", "running_mean_std"), ("reward_mean_std", "value_mean_std")):
            state = old["model"]
            old[name] = {key.removeprefix(f"{place}."): state.pop(key) for key in list(state) if place in key}
        torch.save(old, HERE / "beside.pth")
        write_expected(HERE / "beside.pth", obs=obs, action=action, value=value, **about)

        obs = obs[:, :2].contiguous()
        shape = {"separate": True, "inputs": 2, "actions": 3, "value": False}
        model = network(ModelA2C, {"discrete": None}, **shape)
        found = model({"is_train": False, "obs": obs.clone()})
        torch.save(saved(model), HERE / "discrete.pth")
        about = VERSION | {"world": "mountain_car", "given": given}
        action, value = found["logits"].argmax(1), found["values"][:, 0]
        write_expected(HERE / "discrete.pth", obs=obs, action=action, value=value, **about)


if __name__ == "__main__":
    main()
