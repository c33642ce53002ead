"""Proximal policy optimisation in one file, in CleanRL's style, that can be watched while it learns.

    python watch_cleanrl_style.py          # learns to swing up and balance a pendulum, in about a minute
    valuescape attach ppo-pendulum         # in another terminal, as often as you like

The lines that are there for Valuescape are marked with # <-
"""

import argparse
from collections import deque

import gymnasium
import numpy as np
import torch
from torch import nn
from torch.distributions import Normal

import valuescape  # <-

ENVS, STEPS, EPOCHS, MINIBATCHES = 8, 256, 10, 16
GAMMA, GAE_LAMBDA, CLIP, LEARNING_RATE = 0.9, 0.95, 0.2, 1e-3


def network(inputs: int, outputs: int, std: float) -> nn.Sequential:
    """Return a perceptron with orthogonal weights; std: the gain of the last layer."""
    layers = [nn.Linear(inputs, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, outputs)]
    for layer, gain in zip(layers[::2], (2**0.5, 2**0.5, std), strict=True):
        nn.init.orthogonal_(layer.weight, gain)
        nn.init.zeros_(layer.bias)
    return nn.Sequential(*layers)


class Agent(nn.Module):
    """A Gaussian policy and a critic of states."""

    def __init__(self, obs_dim: int, action_dim: int) -> None:
        super().__init__()
        self.critic = network(obs_dim, 1, std=1.0)
        self.actor_mean = network(obs_dim, action_dim, std=0.01)
        self.actor_logstd = nn.Parameter(torch.zeros(1, action_dim))

    def policy(self, obs: torch.Tensor) -> Normal:
        """Return the distribution of actions."""
        return Normal(self.actor_mean(obs), self.actor_logstd.exp())

    def value(self, obs: torch.Tensor) -> torch.Tensor:
        """Return V of observations [..., obs_dim]."""
        return self.critic(obs).squeeze(-1)


def advantages(rewards, values, ended, last_value):
    """Return generalised advantage estimates, [steps, envs]."""
    result, following = torch.zeros_like(rewards), torch.zeros(rewards.shape[1])
    for t in reversed(range(len(rewards))):
        next_value = last_value if t == len(rewards) - 1 else values[t + 1]
        delta = rewards[t] + GAMMA * next_value * (1 - ended[t]) - values[t]
        result[t] = following = delta + GAMMA * GAE_LAMBDA * (1 - ended[t]) * following
    return result


def main(timesteps: int, seed: int, name: str) -> float:
    """Learn; return the mean return of the last hundred episodes."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    envs = gymnasium.make_vec("Pendulum-v1", num_envs=ENVS, vectorization_mode="sync")
    agent = Agent(envs.single_observation_space.shape[0], envs.single_action_space.shape[0])
    optimizer = torch.optim.Adam(agent.parameters(), lr=LEARNING_RATE, eps=1e-5)
    run = valuescape.publish(name, world="Pendulum-v1", gamma=GAMMA)  # <-

    obs = torch.as_tensor(envs.reset(seed=seed)[0])
    returns, episode_return = deque(maxlen=100), np.zeros(ENVS)
    for step in range(0, timesteps, ENVS * STEPS):
        seen, actions, logs, rewards, values, ends = ([] for _ in range(6))
        for _ in range(STEPS):
            with torch.no_grad():
                policy = agent.policy(obs)
                action = policy.sample()
                logs.append(policy.log_prob(action).sum(-1))
                values.append(agent.value(obs))
            seen.append(obs)
            actions.append(action)
            following, reward, terminated, truncated, _ = envs.step(action.clamp(-2, 2).numpy())
            obs = torch.as_tensor(following)
            rewards.append(torch.as_tensor(reward, dtype=torch.float32))
            ends.append(torch.as_tensor(terminated | truncated, dtype=torch.float32))
            episode_return += reward
            for env in np.flatnonzero(terminated | truncated):
                returns.append(episode_return[env])
                episode_return[env] = 0
        seen, actions, logs, rewards, values, ends = map(
            torch.stack, (seen, actions, logs, rewards, values, ends)
        )
        with torch.no_grad():
            gains = advantages(rewards, values, ends, agent.value(obs))
        batch = [each.flatten(0, 1) for each in (seen, actions, logs, gains, gains + values)]
        for _ in range(EPOCHS):
            for rows in torch.randperm(ENVS * STEPS).chunk(MINIBATCHES):
                b_obs, b_action, b_log, b_gain, b_return = (each[rows] for each in batch)
                ratio = (agent.policy(b_obs).log_prob(b_action).sum(-1) - b_log).exp()
                b_gain = (b_gain - b_gain.mean()) / (b_gain.std() + 1e-8)
                gain = torch.min(ratio * b_gain, ratio.clamp(1 - CLIP, 1 + CLIP) * b_gain).mean()
                loss = 0.5 * (agent.value(b_obs) - b_return).pow(2).mean() - gain
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
                optimizer.step()
        done = step + ENVS * STEPS
        mean = float(np.mean(returns)) if returns else float("nan")
        run.update(  # <-
            agent.actor_mean, agent.critic, done, log_std=agent.actor_logstd, mean_return=mean
        )
        print(f"{done:8,} steps   mean return {mean:8.1f}", flush=True)
    envs.close()
    run.close()  # <- (or at Python's end)
    return mean


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--timesteps", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--name", default="ppo-pendulum", help="the name to attach to")
    arguments = parser.parse_args()
    main(arguments.timesteps, arguments.seed, arguments.name)
