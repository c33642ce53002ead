"""Make CleanRL's fixtures: agents of its own scripts with random weights, and what they answer.

CleanRL is no package: run this from a checkout of its repository, in an environment with torch, gymnasium,
tyro and tensorboard:

    PYTHONPATH=CLEANRL_CHECKOUT python make.py

The scripts fix the widths of their networks. `narrow` replaces 256 by 24, to keep the files small.
"""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import gymnasium
import numpy as np
import torch

HERE = Path(__file__).parent
VERSION = "fe8d8a0 (2026-04-20)"
LINEAR = torch.nn.Linear


def main() -> None:
    """Write every case."""
    torch.manual_seed(8)
    ppo(), ppo_continuous(), dqn(), ddpg(), td3(), sac(), c51()


def envs(name: str) -> Any:
    """Return what the scripts ask of their vectorised environments."""
    env = gymnasium.make(name)
    box = gymnasium.vector.utils.batch_space(env.action_space, 1)
    return SimpleNamespace(
        single_observation_space=env.observation_space,
        single_action_space=env.action_space,
        action_space=box,
    )


def randomized(module: torch.nn.Module) -> torch.nn.Module:
    """Return `module` with weights of a size that trained ones have: the scripts begin with actors near 0."""
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            wide = 2.2 / parameter.shape[1] ** 0.5 if name.endswith("weight") else 0.2
            parameter.copy_(wide * torch.randn_like(parameter))
    return module


def narrow() -> Any:
    """Return a patch under which layers of 256 units get 24."""

    def width(size: int) -> int:
        return 24 if size == 256 else int(size)

    return mock.patch.object(torch.nn, "Linear", lambda i, o: LINEAR(width(i), width(o)))


def observations(dim: int, scale: Any = 1.0) -> torch.Tensor:
    """Return 40 observations."""
    return torch.randn(40, dim) * torch.as_tensor(scale, dtype=torch.float32)


def save(
    name: str, content: Any, world: str, obs: torch.Tensor, action: Any, value: Any, **given: Any
) -> None:
    """Write one case: the file, its expected outputs, and what a user has to state about it."""
    file = f"{name}.cleanrl_model"
    torch.save(content, HERE / file)
    discrete = torch.is_tensor(action) and not action.is_floating_point()
    np.savez_compressed(
        HERE / f"{name}.expected.npz",
        obs=obs.numpy(),
        action=action.numpy() if discrete else action.detach().numpy().astype(np.float32),
        value=value.detach().numpy().astype(np.float32).reshape(-1),
    )
    facts = {"library": "CleanRL", "version": VERSION, "file": file, "world": world, "given": given}
    (HERE / f"{name}.json").write_text(json.dumps(facts, indent=1) + "\n")


def ppo() -> None:
    from cleanrl.ppo import Agent

    agent = randomized(Agent(envs("CartPole-v1")))
    obs = observations(4)
    save(
        "ppo",
        agent.state_dict(),
        "cartpole",
        obs,
        agent.actor(obs).argmax(1),
        agent.get_value(obs),
        gamma=0.99,
    )


def ppo_continuous() -> None:
    from cleanrl.ppo_continuous_action import Agent

    agent = randomized(Agent(envs("Pendulum-v1")))
    obs = observations(3, [1, 1, 4])
    action = agent.actor_mean(obs).clamp(-2, 2)  # gym.wrappers.ClipAction
    save("ppo_continuous", agent.state_dict(), "pendulum", obs, action, agent.get_value(obs), gamma=0.9)


def dqn() -> None:
    from cleanrl.dqn import QNetwork

    network = randomized(QNetwork(envs("MountainCar-v0")))
    obs = observations(2)
    q = network(obs)
    save("dqn", network.state_dict(), "mountain_car", obs, q.argmax(1), q.max(1).values, gamma=0.99)


def ddpg() -> None:
    from cleanrl.ddpg_continuous_action import Actor, QNetwork

    with narrow():
        actor, q = (randomized(made(envs("Pendulum-v1"))) for made in (Actor, QNetwork))
    obs = observations(3, [1, 1, 4])
    action = actor(obs)
    content = (actor.state_dict(), q.state_dict())
    save("ddpg", content, "pendulum", obs, action, q(obs, action), gamma=0.99)


def td3() -> None:
    from cleanrl.td3_continuous_action import Actor, QNetwork

    with narrow():
        actor, q1, q2 = (randomized(made(envs("Pendulum-v1"))) for made in (Actor, QNetwork, QNetwork))
    obs = observations(3, [1, 1, 4])
    action = actor(obs)
    value = torch.minimum(q1(obs, action), q2(obs, action))
    content = tuple(each.state_dict() for each in (actor, q1, q2))
    save("td3", content, "pendulum", obs, action, value, gamma=0.99)


def sac() -> None:
    """The script saves nothing: its networks as people save them, beside an optimizer's state."""
    from cleanrl.sac_continuous_action import Actor, SoftQNetwork

    with narrow():
        actor, q1, q2 = (
            randomized(made(envs("Pendulum-v1"))) for made in (Actor, SoftQNetwork, SoftQNetwork)
        )
    obs = observations(3, [1, 1, 4])
    action = actor.get_action(obs)[2]
    value = torch.minimum(q1(obs, action), q2(obs, action))
    content = {
        "actor": actor.state_dict(),
        "qf1": q1.state_dict(),
        "qf2": q2.state_dict(),
        "log_alpha": torch.tensor([-1.5]),
        "actor_optimizer": torch.optim.Adam(actor.parameters()).state_dict(),
        "global_step": 20_000,
    }
    save("sac", content, "pendulum", obs, action, value, gamma=0.99)


def c51() -> None:
    """It is refused by name, so it has no expected outputs."""
    from cleanrl.c51 import Args, QNetwork

    network = QNetwork(envs("CartPole-v1"), n_atoms=11)
    content = {"model_weights": network.state_dict(), "args": vars(Args())}
    torch.save(content, HERE / "c51.refused")


if __name__ == "__main__":
    main()
