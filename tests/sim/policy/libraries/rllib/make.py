"""Makes the fixtures of this folder with RLlib: python make.py"""

import json
import shutil
import sys
from dataclasses import asdict
from pathlib import Path

import gymnasium
import numpy as np
import ray
import torch
from ray.rllib.algorithms.dqn.torch.default_dqn_torch_rl_module import DefaultDQNTorchRLModule
from ray.rllib.algorithms.ppo.torch.default_ppo_torch_rl_module import DefaultPPOTorchRLModule
from ray.rllib.core.rl_module.default_model_config import DefaultModelConfig
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.utils.spaces.space_utils import unsquash_action
from torch import nn

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from writing import write_expected  # noqa: E402

VERSION = {"library": "RLlib", "version": ray.__version__}
PENDULUM = gymnasium.spaces.Box(-8, 8, (3,)), gymnasium.spaces.Box(-2, 2, (1,))
MOUNTAIN = gymnasium.spaces.Box(-1, 1, (2,)), gymnasium.spaces.Discrete(3)


def module(kind, spaces, **config):
    """Return a module whose weights are larger than at the start."""
    spec = RLModuleSpec(
        module_class=kind,
        observation_space=spaces[0],
        action_space=spaces[1],
        model_config=asdict(DefaultModelConfig(fcnet_hiddens=[12, 10])) | config,
    )
    made = spec.build()
    for parameter in made.parameters():
        nn.init.normal_(parameter, std=1.8 / max(parameter.shape[-1], 4) ** 0.5)
    return made


def saved(made, name):
    """Write a module's checkpoint and return its folder."""
    shutil.rmtree(HERE / name, ignore_errors=True)
    made.save_to_path(HERE / name)
    return HERE / name


def main() -> None:
    """Write the files."""
    torch.manual_seed(11)
    obs = torch.from_numpy(np.random.default_rng(0).normal(size=(64, 3), scale=2).astype(np.float32))
    with torch.no_grad():
        for name, options in (("ppo", {}), ("shared", {"vf_share_layers": True, "fcnet_activation": "relu"})):
            made = module(DefaultPPOTorchRLModule, PENDULUM, **options)
            means = made.forward_inference({"obs": obs})["action_dist_inputs"][:, :1].numpy()
            action = np.stack([unsquash_action(each, PENDULUM[1]) for each in means])
            about = VERSION | {"world": "pendulum", "given": {"gamma": 0.98}}
            value = made.compute_values({"obs": obs})
            write_expected(saved(made, name), obs=obs, action=action, value=value, **about)
        about |= {"file": "shared/module_state.pkl"}  # the file alone, in its folder
        write_expected(HERE / "file", obs=obs, action=action, value=value, **about)

        torch.manual_seed(11)
        obs = obs[:, :2].contiguous()
        made = module(DefaultPPOTorchRLModule, MOUNTAIN, head_fcnet_hiddens=[6])
        scores = made.forward_inference({"obs": obs})["action_dist_inputs"]
        about = VERSION | {"world": "mountain_car", "given": {"gamma": 0.98}}
        value = made.compute_values({"obs": obs})
        write_expected(saved(made, "discrete"), obs=obs, action=scores.argmax(1), value=value, **about)

        options = {"num_atoms": 1, "dueling": True, "double_q": True, "noisy": False, "epsilon": [[0, 1.0]]}
        made = module(DefaultDQNTorchRLModule, MOUNTAIN, head_fcnet_hiddens=[6], **options)
        values = made.compute_q_values({"obs": obs})["qf_preds"]
        action, value = values.argmax(1), values.max(1).values
        write_expected(saved(made, "dqn"), obs=obs, action=action, value=value, **about)

    # The file of an RLModule alone, without its folder's name
    said = json.loads((HERE / "discrete.json").read_text()) | {"file": "discrete/module_state.pkl"}
    (HERE / "state.json").write_text(json.dumps(said, indent=2) + "\n")
    shutil.copyfile(HERE / "discrete.expected.npz", HERE / "state.expected.npz")


if __name__ == "__main__":
    main()
