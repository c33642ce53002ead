"""Makes the fixtures of this folder: python make.py, with torch, onnx and onnxruntime.

The networks are exported by torch and run by onnxruntime, whose outputs are the expected ones.
"""

import sys
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import nn

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "perceptron")]
from make_networks import mlp  # noqa: E402
from writing import write_expected  # noqa: E402


class Continuous(nn.Module):
    """A PPO with normalised observations and clipped actions, which have a critic beside them."""

    def __init__(self) -> None:
        super().__init__()
        self.policy, self.critic = mlp(2, 12, 12, 1, hidden=nn.ELU), mlp(2, 10, 1, hidden=nn.SiLU)
        self.register_buffer("mean", torch.tensor([0.3, -0.2]))
        self.register_buffer("std", torch.tensor([1.5, 0.7]))

    def forward(self, obs):
        seen = (obs - self.mean) / self.std
        return torch.clip(self.policy(seen), -5.0, 5.0), self.critic(seen)


class Twins(nn.Module):
    """The deterministic actor and both critics of a TD3."""

    def __init__(self) -> None:
        super().__init__()
        self.policy = mlp(2, 8, 8, 1, hidden=nn.ReLU)
        self.first, self.second = (mlp(3, 8, 1, hidden=nn.ReLU) for _ in range(2))

    def forward(self, obs):
        action = torch.tanh(self.policy(obs))
        pairs = torch.cat([obs, action], dim=1)
        return action, self.first(pairs), self.second(pairs)


def export(network: nn.Module, name: str, outputs: list[str], obs: np.ndarray) -> list[np.ndarray]:
    """Write NAME.onnx; returns onnxruntime's outputs."""
    path = HERE / name
    torch.onnx.export(
        network,
        (torch.from_numpy(obs[:1]),),
        str(path),
        input_names=["obs"],
        output_names=outputs,
        dynamic_axes={"obs": {0: "n"}},
        dynamo=False,
    )
    return onnxruntime.InferenceSession(str(path)).run(None, {"obs": obs})


def main() -> None:
    """Write the files."""
    torch.manual_seed(0)
    said = {"library": "ONNX", "version": f"onnxruntime {onnxruntime.__version__}, torch {torch.__version__}"}
    obs = np.random.default_rng(0).normal(size=(64, 2)).astype(np.float32)
    action, value = export(Continuous().eval(), "ppo.onnx", ["actions", "value"], obs)
    about = said | {"world": "point_mass", "given": {"algorithm": "ppo", "gamma": 0.97}}
    write_expected(HERE / "ppo.onnx", obs=obs, action=action, value=value[:, 0], **about)

    action, *critics = export(Twins().eval(), "td3.onnx", ["a", "b", "c"], obs)
    about["given"] = {"algorithm": "td3", "gamma": 0.99, "names": "td3.toml"}
    write_expected(HERE / "td3.onnx", obs=obs, action=5 * action, value=np.minimum(*critics)[:, 0], **about)

    torch.manual_seed(3)  # each action is the greatest somewhere
    (q,) = export(mlp(2, 16, 3, hidden=nn.LeakyReLU), "dqn.onnx", ["q"], obs)
    about = said | {"world": "mountain_car", "given": {"algorithm": "dqn", "gamma": 0.9}}
    write_expected(HERE / "dqn.onnx", obs=obs, action=q.argmax(1), value=q.max(1), **about)


if __name__ == "__main__":
    main()
