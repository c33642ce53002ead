"""Make Tianshou 2's fixtures: algorithms with random weights, and what their policies and critics answer.

Run this in an environment with tianshou 2 and gymnasium: `python make.py`.
"""

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from tianshou.algorithm import DDPG, DQN, PPO, QRDQN, SAC, TD3
from tianshou.algorithm.modelfree.ddpg import ContinuousDeterministicPolicy
from tianshou.algorithm.modelfree.dqn import DiscreteQLearningPolicy
from tianshou.algorithm.modelfree.qrdqn import QRDQNPolicy
from tianshou.algorithm.modelfree.reinforce import DiscreteActorPolicy, ProbabilisticActorPolicy
from tianshou.algorithm.modelfree.sac import AutoAlpha, SACPolicy
from tianshou.algorithm.optim import AdamOptimizerFactory
from tianshou.data import Batch
from tianshou.utils.net.common import Net
from tianshou.utils.net.continuous import (
    ContinuousActorDeterministic,
    ContinuousActorProbabilistic,
    ContinuousCritic,
)
from tianshou.utils.net.discrete import DiscreteActor, DiscreteCritic
from tianshou.utils.statistics import RunningMeanStd
from torch.distributions import Categorical, Independent, Normal

HERE = Path(__file__).parent
PENDULUM = gymnasium.make("Pendulum-v1").action_space
CARTPOLE = gymnasium.make("CartPole-v1").action_space
ADAM = AdamOptimizerFactory(lr=1e-3)
HIDDEN = [20, 16]


def main() -> None:
    """Write every case."""
    torch.manual_seed(13)
    ppo(), ppo_discrete(), sac(), td3(), ddpg(), dqn(), dqn_dueling(), qrdqn()


def randomized(algorithm: torch.nn.Module) -> torch.nn.Module:
    """Return `algorithm` with weights of a size that trained ones have."""
    with torch.no_grad():
        for name, parameter in algorithm.named_parameters():
            if parameter.ndim and "tau" not in name:
                wide = 1.4 / parameter.shape[1] ** 0.5 if parameter.ndim == 2 else 0.3
                parameter.copy_(wide * torch.randn_like(parameter))
    return algorithm.eval()


def body(inputs: int, activation: Any = torch.nn.ReLU, **more: Any) -> Net:
    """Return the hidden layers of a network, as Tianshou's scripts make them."""
    return Net(state_shape=(inputs,), hidden_sizes=HIDDEN, activation=activation, **more)


def observations(dim: int, scale: Any = 1.0) -> torch.Tensor:
    """Return 40 observations."""
    return torch.randn(40, dim) * torch.as_tensor(scale, dtype=torch.float32)


def save(name: str, algorithm: Any, world: str, obs: Any, value: Any, rms: Any = None, **given: Any) -> None:
    """Write one case: the file, its expected outputs, and what a user has to state about it.

    value: returns the values of the observations and the actions that the policy gives, before they are
    scaled. rms: statistics of observations; with them the file is as the scripts for MuJoCo write it.
    """
    file, policy = f"{name}.pth", algorithm.policy
    states = algorithm.state_dict()
    torch.save({"model": states, "obs_rms": rms} if rms else states, HERE / file)
    with torch.no_grad():
        seen = torch.as_tensor(rms.norm(obs.numpy()), dtype=torch.float32) if rms else obs
        act = torch.as_tensor(policy(Batch(obs=seen.numpy(), info={})).act)
        action = np.asarray(policy.map_action(act))
        values = value(seen, act)
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
    """As the examples for MuJoCo: tanh, the mean is not bounded by the network."""
    actor = ContinuousActorProbabilistic(
        preprocess_net=body(3, torch.nn.Tanh), action_shape=(1,), unbounded=True
    )
    critic = ContinuousCritic(preprocess_net=body(3, torch.nn.Tanh))
    policy = ProbabilisticActorPolicy(
        actor=actor,
        dist_fn=lambda loc_scale: Independent(Normal(*loc_scale), 1),
        deterministic_eval=True,
        action_space=PENDULUM,
        action_scaling=True,
        action_bound_method="clip",
    )
    algorithm = randomized(PPO(policy=policy, critic=critic, optim=ADAM))
    obs = observations(3, [1, 1, 4])
    save(
        "ppo", algorithm, "pendulum", obs, lambda s, _: critic(s), activation="tanh", squash=False, gamma=0.95
    )


def ppo_discrete() -> None:
    """Actor and critic share their hidden layers, as the examples for CartPole."""
    net = body(4)
    critic = DiscreteCritic(preprocess_net=net)
    policy = DiscreteActorPolicy(
        actor=DiscreteActor(preprocess_net=net, action_shape=2),
        dist_fn=lambda probs: Categorical(probs),
        deterministic_eval=True,
        action_space=CARTPOLE,
    )
    algorithm = randomized(PPO(policy=policy, critic=critic, optim=ADAM))
    obs = observations(4)
    save("ppo_discrete", algorithm, "cartpole", obs, lambda s, _: critic(s), activation="relu", gamma=0.99)


def sac() -> None:
    actor = ContinuousActorProbabilistic(
        preprocess_net=body(3), action_shape=(1,), unbounded=True, conditioned_sigma=True
    )
    critics = [ContinuousCritic(preprocess_net=body(4, concat=False)) for _ in range(2)]
    algorithm = randomized(
        SAC(
            policy=SACPolicy(actor=actor, action_space=PENDULUM),
            policy_optim=ADAM,
            critic=critics[0],
            critic_optim=ADAM,
            critic2=critics[1],
            critic2_optim=ADAM,
            alpha=AutoAlpha(-1.0, -1.2, ADAM),
        )
    )

    def value(obs: Any, act: Any) -> Any:
        return torch.minimum(critics[0](obs, act), critics[1](obs, act))

    save("sac", algorithm, "pendulum", observations(3, [1, 1, 4]), value, activation="relu", gamma=0.99)


def td3() -> None:
    actor = ContinuousActorDeterministic(preprocess_net=body(3), action_shape=(1,))
    critics = [ContinuousCritic(preprocess_net=body(4)) for _ in range(2)]
    algorithm = randomized(
        TD3(
            policy=ContinuousDeterministicPolicy(actor=actor, action_space=PENDULUM),
            policy_optim=ADAM,
            critic=critics[0],
            critic_optim=ADAM,
            critic2=critics[1],
            critic2_optim=ADAM,
        )
    )

    def value(obs: Any, act: Any) -> Any:
        return torch.minimum(critics[0](obs, act), critics[1](obs, act))

    rms = RunningMeanStd(np.array([0.1, -0.2, 1.0]), np.array([0.4, 0.5, 9.0]), clip_max=1.5)
    obs = observations(3, [1, 1, 4])
    save(
        "td3_checkpoint",
        algorithm,
        "pendulum",
        obs,
        value,
        rms,
        max_action=1.0,
        activation="relu",
        gamma=0.99,
    )


def ddpg() -> None:
    actor = ContinuousActorDeterministic(preprocess_net=body(3), action_shape=(1,))
    critic = ContinuousCritic(preprocess_net=body(4))
    policy = ContinuousDeterministicPolicy(actor=actor, action_space=PENDULUM)
    algorithm = randomized(DDPG(policy=policy, policy_optim=ADAM, critic=critic, critic_optim=ADAM))
    save(
        "ddpg",
        algorithm,
        "pendulum",
        observations(3, [1, 1, 4]),
        critic,
        max_action=1.0,
        activation="relu",
        gamma=0.99,
    )


def dqn(name: str = "dqn", **more: Any) -> None:
    model = body(4, action_shape=2, **more)
    policy = DiscreteQLearningPolicy(model=model, action_space=CARTPOLE)
    algorithm = randomized(DQN(policy=policy, optim=ADAM, target_update_freq=10))
    obs = observations(4)
    save(
        name, algorithm, "cartpole", obs, lambda s, _: model(s)[0].max(1).values, activation="relu", gamma=0.9
    )


def dqn_dueling() -> None:
    dqn("dqn_dueling", dueling_param=({"hidden_sizes": [12]}, {"hidden_sizes": [10]}))


def qrdqn() -> None:
    model = body(4, action_shape=2, num_atoms=7)
    policy = QRDQNPolicy(model=model, action_space=CARTPOLE)
    algorithm = randomized(QRDQN(policy=policy, optim=ADAM, num_quantiles=7, target_update_freq=10))
    obs = observations(4)

    def value(obs: Any, _: Any) -> Any:
        return model(obs)[0].mean(2).max(1).values

    save("qrdqn", algorithm, "cartpole", obs, value, activation="relu", gamma=0.9)


if __name__ == "__main__":
    main()
