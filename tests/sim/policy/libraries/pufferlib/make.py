"""Make PufferLib's fixtures: its default policies with random weights, and what they answer.

Run this once for each release, in an environment with its requirements, from an unpacked source distribution
(the package itself is built with a compiler): `PYTHONPATH=pufferlib-3.0.0 python make.py`, then 2.0.6.
"""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gymnasium
import pufferlib
import pufferlib.models
import torch

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from writing import write_expected  # noqa: E402

BOUND = 2.0
HIDDEN = 24


def main() -> None:
    """Write the cases of one release."""
    torch.manual_seed(1)
    release = "3.0.0" if hasattr(pufferlib.models.Default, "forward_eval") else "2.0.6"
    if release == "3.0.0":
        discrete("discrete", release), continuous("continuous", release), recurrent()
    else:
        discrete("discrete_2", release), continuous("continuous_2", release)


def policy(name: str) -> Any:
    """Return the default policy of an environment with weights of a size that trained ones have."""
    env = gymnasium.make(name)
    said = SimpleNamespace(
        single_observation_space=env.observation_space,
        single_action_space=env.action_space,
        observation_space=env.observation_space,
        env=env,
        emulated=None,
    )
    made = pufferlib.models.Default(said, hidden_size=HIDDEN)
    with torch.no_grad():
        for parameter in made.parameters():
            wide = 1.8 / parameter.shape[1] ** 0.5 if parameter.ndim == 2 else 0.3
            parameter.copy_(wide * torch.randn_like(parameter))
    return made


def save(name: str, release: str, made: Any, world: str, obs: Any, action: Any, value: Any) -> None:
    """Write one case. Releases before 3 save the policy whole, as its trainer wraps it."""
    file = HERE / f"{name}.pt"
    whole = torch.nn.ModuleDict({"policy": made})
    torch.save(made.state_dict() if release == "3.0.0" else whole, file)
    write_expected(
        file,
        obs=obs,
        action=action.detach().numpy(),
        value=value.detach().numpy().reshape(-1),
        library="PufferLib",
        version=release,
        world=world,
        given={"gamma": 0.99},
    )


def discrete(name: str, release: str) -> None:
    made, obs = policy("CartPole-v1"), torch.randn(40, 4)
    scores, value = made(obs)
    save(name, release, made, "cartpole", obs, scores.argmax(1), value)


def continuous(name: str, release: str) -> None:
    made, obs = policy("Pendulum-v1"), torch.randn(40, 3) * torch.tensor([1.0, 1.0, 4.0])
    answer, value = made(obs)
    mean = answer.mean if hasattr(answer, "mean") and not torch.is_tensor(answer) else answer[0]
    save(name, release, made, "pendulum", obs, mean.clamp(-BOUND, BOUND), value)


def recurrent() -> None:
    """It is refused by name, so it has no expected outputs."""
    env = gymnasium.make("CartPole-v1")
    said = SimpleNamespace(
        single_observation_space=env.observation_space, single_action_space=env.action_space
    )
    whole = pufferlib.models.LSTMWrapper(said, policy("CartPole-v1"), HIDDEN, HIDDEN)
    torch.save(whole.state_dict(), HERE / "recurrent.refused")


if __name__ == "__main__":
    main()
