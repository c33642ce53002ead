"""Make Tianshou 1's fixtures: policies with random weights, and what they and their critics answer.

Run this in an environment with tianshou 1 and gymnasium: `python make.py`.
"""

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from tianshou.data import Batch
from tianshou.policy import DQNPolicy, PPOPolicy, TD3Policy
from tianshou.utils.net.common import ActorCritic, Net
from tianshou.utils.net.continuous import Actor, ActorProb, Critic
from torch.distributions import Independent, Normal

HERE = Path(__file__).parent
PENDULUM = gymnasium.make("Pendulum-v1").action_space
CARTPOLE = gymnasium.make("CartPole-v1").action_space
HIDDEN = [20, 16]


def main() -> None:
    """Write every case."""
    torch.manual_seed(11)
    ppo(), td3(), dqn()


def randomized(policy: torch.nn.Module) -> torch.nn.Module:
    """Return `policy` with weights of a size that trained ones have."""
    with torch.no_grad():
        for parameter in policy.parameters():
            wide = 1.4 / parameter.shape[1] ** 0.5 if parameter.ndim == 2 else 0.3
            parameter.copy_(wide * torch.randn_like(parameter))
    return policy.eval()


def optimizer(*modules: torch.nn.Module) -> torch.optim.Optimizer:
    """Return an optimizer, which no test uses: policies ask for one."""
    return torch.optim.Adam(parameter for module in modules for parameter in module.parameters())


def body(inputs: int, activation: Any = torch.nn.ReLU, **more: Any) -> Net:
    """Return the hidden layers of a network, as Tianshou's scripts make them."""
    return Net(state_shape=(inputs,), hidden_sizes=HIDDEN, activation=activation, **more)


def observations(dim: int, scale: Any = 1.0) -> torch.Tensor:
    """Return 40 observations."""
    return torch.randn(40, dim) * torch.as_tensor(scale, dtype=torch.float32)


def save(name: str, policy: Any, world: str, obs: Any, value: Any, **given: Any) -> None:
    """Write one case: the file, its expected outputs, and what a user has to state about it.

    value: returns the values of the observations and the actions that the policy gives, before they are
    scaled.
    """
    file = f"{name}.pth"
    torch.save(policy.state_dict(), HERE / file)
    with torch.no_grad():
        act = torch.as_tensor(policy(Batch(obs=obs.numpy(), info={})).act)
        action = np.asarray(policy.map_action(act))
        values = value(obs, act)
    np.savez_compressed(
        HERE / f"{name}.expected.npz",
        obs=obs.numpy(),
        action=action if action.ndim == 1 else action.astype(np.float32),
        value=values.numpy().astype(np.float32).reshape(-1),
    )
    facts = {
        "library": "Tianshou",
        "version": version("tianshou"),
        "file": file,
        "world": world,
        "given": given,
    }
    (HERE / f"{name}.json").write_text(json.dumps(facts, indent=1) + "\n")


def ppo() -> None:
    """The mean goes through tanh: the default of ActorProb, `unbounded=False`."""
    actor = ActorProb(body(3, torch.nn.Tanh), (1,))
    critic = Critic(body(3, torch.nn.Tanh))
    policy = PPOPolicy(
        actor=actor,
        critic=critic,
        optim=optimizer(ActorCritic(actor, critic)),
        dist_fn=lambda loc_scale: Independent(Normal(*loc_scale), 1),
        deterministic_eval=True,
        action_space=PENDULUM,
        action_scaling=True,
    )
    obs = observations(3, [1, 1, 4])
    save(
        "ppo",
        randomized(policy),
        "pendulum",
        obs,
        lambda s, _: critic(s),
        activation="tanh",
        squash=True,
        max_action=1.0,
        gamma=0.95,
    )


def td3() -> None:
    actor = Actor(body(3), (1,))
    critics = [Critic(body(4)) for _ in range(2)]
    policy = TD3Policy(
        actor=actor,
        actor_optim=optimizer(actor),
        critic=critics[0],
        critic_optim=optimizer(critics[0]),
        critic2=critics[1],
        critic2_optim=optimizer(critics[1]),
        action_space=PENDULUM,
    )

    def value(obs: Any, act: Any) -> Any:
        return torch.minimum(critics[0](obs, act), critics[1](obs, act))

    save(
        "td3",
        randomized(policy),
        "pendulum",
        observations(3, [1, 1, 4]),
        value,
        max_action=1.0,
        activation="relu",
        gamma=0.99,
    )


def dqn() -> None:
    model = body(4, action_shape=2)
    policy = DQNPolicy(
        model=model, optim=optimizer(model), action_space=CARTPOLE, discount_factor=0.9, target_update_freq=10
    )
    randomized(policy)
    obs = observations(4)
    save("dqn", policy, "cartpole", obs, lambda s, _: model(s)[0].max(1).values, activation="relu", gamma=0.9)


if __name__ == "__main__":
    main()
