"""Makes the fixtures of this folder with torch: python make.py"""

import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE)]
from make_networks import mlp  # noqa: E402
from writing import write_expected  # noqa: E402


class Shared(nn.Module):
    """An actor and a critic behind one trunk, of discrete actions."""

    def __init__(self) -> None:
        super().__init__()
        self.body = mlp(2, 12, 10)
        self.policy = nn.Linear(10, 3)
        self.value = mlp(10, 6, 1)

    def forward(self, obs):
        hidden = torch.tanh(self.body(obs))
        return self.policy(hidden), self.value(hidden)


class Twins(nn.Module):
    """The networks of a SAC under names of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.net_a, self.sigma = mlp(2, 8, 8, 1, hidden=nn.ReLU), nn.Linear(8, 1)
        self.first, self.second = (mlp(3, 8, 8, 1, hidden=nn.ReLU) for _ in range(2))

    def forward(self, obs):
        outputs = torch.tanh(self.net_a(obs))
        pairs = torch.cat([obs, outputs], dim=1)
        return outputs, torch.minimum(self.first(pairs), self.second(pairs))[:, 0]


def main() -> None:
    """Write the files."""
    torch.manual_seed(0)
    said = {"library": "torch", "version": torch.__version__}
    obs = torch.from_numpy(np.random.default_rng(0).normal(size=(64, 2)).astype(np.float32))
    with torch.no_grad():
        shared, twins, network = Shared(), Twins(), mlp(2, 16, 3, hidden=nn.ELU)
        scores, value = shared(obs)
        given = {"algorithm": "ppo", "activation": "tanh", "gamma": 0.98, "head": "argmax"}
        torch.save({"model": shared.state_dict(), "steps": 7}, HERE / "shared.pt")
        about = said | {"world": "mountain_car", "given": given}
        write_expected(HERE / "shared.pt", obs=obs, action=scores.argmax(1), value=value[:, 0], **about)

        outputs, value = twins(obs)  # scaled to point_mass's 5 m/s²
        given = {"algorithm": "sac", "activation": "relu", "gamma": 0.99, "names": "twins.toml"}
        save_file(twins.state_dict(), HERE / "twins.safetensors", metadata={"format": "pt"})
        about = said | {"world": "point_mass", "given": given}
        write_expected(HERE / "twins.safetensors", obs=obs, action=5 * outputs, value=value, **about)

        q = network(obs)
        arrays = {f"q.{name}": each.numpy() for name, each in network.state_dict().items()}
        np.savez(HERE / "q.npz", **arrays)
        given = {"algorithm": "dqn", "activation": "elu", "gamma": 0.9}
        about = said | {"world": "mountain_car", "given": given}
        write_expected(HERE / "q.npz", obs=obs, action=q.argmax(1), value=q.max(1).values, **about)

        torch.save(shared.state_dict(), HERE / "old.pt", _use_new_zipfile_serialization=False)
        given = {"algorithm": "ppo", "activation": "tanh", "gamma": 0.98, "head": "argmax"}
        about = said | {"world": "mountain_car", "given": given}
        scores, value = shared(obs)
        write_expected(HERE / "old.pt", obs=obs, action=scores.argmax(1), value=value[:, 0], **about)


if __name__ == "__main__":
    main()
