"""Agents as single-file scripts in CleanRL's style define them, with weights far from zero."""

import torch
from torch import nn
from torch.nn import functional


def strong(module, seed=0):
    """Return the module with weights that make outputs of the order of one."""
    torch.manual_seed(seed)
    for each in module.modules():
        if isinstance(each, nn.Linear):
            nn.init.normal_(each.weight, std=1.2 / each.in_features**0.5)
            nn.init.normal_(each.bias, std=0.3)
    return module


def sequential(inputs, outputs, activation=nn.Tanh, hidden=16):
    return nn.Sequential(
        nn.Linear(inputs, hidden),
        activation(),
        nn.Linear(hidden, hidden),
        activation(),
        nn.Linear(hidden, outputs),
    )


class PpoAgent(nn.Module):
    """As in ppo_continuous_action.py: it has no forward."""

    def __init__(self, obs=3, actions=1):
        super().__init__()
        self.critic = sequential(obs, 1)
        self.actor_mean = sequential(obs, actions)
        self.actor_logstd = nn.Parameter(torch.full((1, actions), -0.5))


class SacActor(nn.Module):
    """As in sac_continuous_action.py: two heads, squashed outside of forward."""

    def __init__(self, obs=3, actions=1, high=2.0):
        super().__init__()
        self.fc1 = nn.Linear(obs, 16)
        self.fc2 = nn.Linear(16, 16)
        self.fc_mean = nn.Linear(16, actions)
        self.fc_logstd = nn.Linear(16, actions)
        self.register_buffer("action_scale", torch.full((actions,), high))
        self.register_buffer("action_bias", torch.zeros(actions))

    def forward(self, x):
        x = functional.relu(self.fc1(x))
        x = functional.relu(self.fc2(x))
        log_std = torch.tanh(self.fc_logstd(x))
        return self.fc_mean(x), -5 + 3.5 * (log_std + 1)

    def act(self, x):
        return torch.tanh(self(x)[0]) * self.action_scale + self.action_bias


class Td3Actor(nn.Module):
    """As in td3_continuous_action.py: forward returns actions in the world's units."""

    def __init__(self, obs=3, actions=1, high=2.0):
        super().__init__()
        self.fc1 = nn.Linear(obs, 16)
        self.fc2 = nn.Linear(16, 16)
        self.fc_mu = nn.Linear(16, actions)
        self.register_buffer("action_scale", torch.full((actions,), high))
        self.register_buffer("action_bias", torch.zeros(actions))

    def forward(self, x):
        x = functional.relu(self.fc1(x))
        x = functional.relu(self.fc2(x))
        return torch.tanh(self.fc_mu(x)) * self.action_scale + self.action_bias

    act = forward


class QNetwork(nn.Module):
    """Of SAC, TD3 and DDPG: Q of observations and actions in the world's units."""

    def __init__(self, obs=3, actions=1):
        super().__init__()
        self.fc1 = nn.Linear(obs + actions, 16)
        self.fc2 = nn.Linear(16, 16)
        self.fc3 = nn.Linear(16, 1)

    def forward(self, x, a):
        x = torch.cat([x, a], 1)
        x = functional.relu(self.fc1(x))
        x = functional.relu(self.fc2(x))
        return self.fc3(x)


class DqnNetwork(nn.Module):
    """As in dqn.py."""

    def __init__(self, obs=4, actions=2):
        super().__init__()
        self.network = sequential(obs, actions, nn.ReLU)

    def forward(self, x):
        return self.network(x)
