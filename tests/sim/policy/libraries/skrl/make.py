"""Makes the fixtures of this folder with skrl: python make.py"""

import sys
from pathlib import Path

import gymnasium
import numpy as np
import skrl
import torch
from skrl.agents.torch.ppo import PPO
from skrl.agents.torch.td3 import TD3
from skrl.models.torch import CategoricalMixin, DeterministicMixin, GaussianMixin, Model
from skrl.resources.preprocessors.torch import RunningStandardScaler
from torch import nn

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from writing import write_expected  # noqa: E402

VERSION = {"library": "skrl", "version": skrl.__version__}
PENDULUM = gymnasium.spaces.Box(-8, 8, (3,)), gymnasium.spaces.Box(-2, 2, (1,))
MOUNTAIN = gymnasium.spaces.Box(-1, 1, (2,)), gymnasium.spaces.Discrete(3)


class Policy(GaussianMixin, Model):
    """As in skrl's example of the pendulum."""

    def __init__(self, spaces):
        Model.__init__(self, observation_space=spaces[0], action_space=spaces[1], device="cpu")
        GaussianMixin.__init__(self)
        self.net = nn.Sequential(nn.Linear(3, 12), nn.ELU(), nn.Linear(12, 10), nn.ELU())
        self.mean_layer = nn.Linear(10, 1)
        self.log_std_parameter = nn.Parameter(torch.zeros(1))

    def compute(self, inputs, role=""):
        mean = 2 * torch.tanh(self.mean_layer(self.net(inputs["observations"])))
        return mean, {"log_std": self.log_std_parameter}


class Value(DeterministicMixin, Model):
    """One number for each observation, and action if there are some."""

    def __init__(self, spaces, inputs):
        Model.__init__(self, observation_space=spaces[0], action_space=spaces[1], device="cpu")
        DeterministicMixin.__init__(self)
        self.net = nn.Sequential(
            nn.Linear(inputs, 12), nn.ELU(), nn.Linear(12, 10), nn.ELU(), nn.Linear(10, 1)
        )

    def compute(self, inputs, role=""):
        taken = inputs.get("taken_actions")
        given = inputs["observations"]
        return self.net(given if taken is None else torch.cat([given, taken], dim=1)), {}


class Actor(DeterministicMixin, Model):
    """The policy of TD3, with layers by names of its own."""

    def __init__(self, spaces):
        Model.__init__(self, observation_space=spaces[0], action_space=spaces[1], device="cpu")
        DeterministicMixin.__init__(self)
        self.linear_layer_1, self.linear_layer_2 = nn.Linear(3, 12), nn.Linear(12, 10)
        self.action_layer = nn.Linear(10, 1)

    def compute(self, inputs, role=""):
        x = torch.relu(self.linear_layer_1(inputs["observations"]))
        return 2 * torch.tanh(self.action_layer(torch.relu(self.linear_layer_2(x)))), {}


class Critic(Value):
    """With ReLU instead of ELU."""

    def __init__(self, spaces, inputs):
        super().__init__(spaces, inputs)
        self.net = nn.Sequential(
            nn.Linear(inputs, 12), nn.ReLU(), nn.Linear(12, 10), nn.ReLU(), nn.Linear(10, 1)
        )


class Shared(CategoricalMixin, DeterministicMixin, Model):
    """Policy and value of discrete actions behind one trunk."""

    def __init__(self, spaces):
        Model.__init__(self, observation_space=spaces[0], action_space=spaces[1], device="cpu")
        CategoricalMixin.__init__(self, unnormalized_log_prob=True, role="policy")
        DeterministicMixin.__init__(self, role="value")
        self.net_container = nn.Sequential(nn.Linear(2, 12), nn.Tanh(), nn.Linear(12, 10), nn.Tanh())
        self.policy_layer, self.value_layer = nn.Linear(10, 3), nn.Linear(10, 1)

    def act(self, inputs, role=""):
        return (CategoricalMixin if role == "policy" else DeterministicMixin).act(self, inputs, role=role)

    def compute(self, inputs, role=""):
        hidden = self.net_container(inputs["observations"])
        return (self.policy_layer if role == "policy" else self.value_layer)(hidden), {}


def larger(*models):
    """Make weights larger than they are at the start, so that outputs differ from state to state."""
    for model in models:
        for parameter in model.parameters():
            nn.init.normal_(parameter, std=0.9 / max(parameter.shape[-1], 4) ** 0.5 * 2)


def agent(kind, models, spaces, **config):
    """Return an agent without a memory."""
    config = {"experiment": {"write_interval": 0, "checkpoint_interval": 0}, **config}
    return kind(models=models, observation_space=spaces[0], action_space=spaces[1], device="cpu", cfg=config)


def main() -> None:
    """Write the files."""
    torch.manual_seed(0)
    draws = np.random.default_rng(0)
    obs = torch.from_numpy(draws.normal(size=(64, 3), scale=2).astype(np.float32))
    with torch.no_grad():
        models = {"policy": Policy(PENDULUM), "value": Value(PENDULUM, 3)}
        larger(*models.values())
        made = agent(
            PPO,
            models,
            PENDULUM,
            observation_preprocessor=RunningStandardScaler,
            observation_preprocessor_kwargs={"size": 3, "device": "cpu"},
            value_preprocessor=RunningStandardScaler,
            value_preprocessor_kwargs={"size": 1, "device": "cpu"},
        )
        made._observation_preprocessor(0.5 + torch.tensor([0.5, 1.0, 3.0]) * torch.randn(400, 3), train=True)
        made._value_preprocessor(-40 + 30 * torch.randn(400, 1), train=True)
        made.save(str(HERE / "separate.pt"))
        seen = {"observations": made._observation_preprocessor(obs)}
        mean = models["policy"].act(seen, role="policy")[1]["mean_actions"]
        value = made._value_preprocessor(models["value"].act(seen, role="value")[0], inverse=True)
        given = {"activation": "elu", "gamma": 0.98, "squash": True, "max_action": 2.0}
        about = VERSION | {"world": "pendulum", "given": given}
        write_expected(HERE / "separate.pt", obs=obs, action=mean, value=value[:, 0], **about)

        models = {"policy": Actor(PENDULUM), "target_policy": Actor(PENDULUM)}
        models |= {name: Critic(PENDULUM, 4) for name in ("critic_1", "critic_2")}
        models |= {name: Critic(PENDULUM, 4) for name in ("target_critic_1", "target_critic_2")}
        larger(*models.values())
        agent(TD3, models, PENDULUM).save(str(HERE / "td3.pt"))
        action = models["policy"].act({"observations": obs}, role="policy")[0]
        pairs = {"observations": obs, "taken_actions": action}
        values = [models[name].act(pairs, role=name)[0][:, 0] for name in ("critic_1", "critic_2")]
        given = given | {"activation": "relu"}
        about = VERSION | {"world": "pendulum", "given": given}
        write_expected(HERE / "td3.pt", obs=obs, action=action, value=torch.minimum(*values), **about)

        shared = Shared(MOUNTAIN)
        larger(shared)
        made = agent(PPO, {"policy": shared, "value": shared}, MOUNTAIN)
        made.save(str(HERE / "shared.pt"))
        obs = obs[:, :2].contiguous()
        scores = shared.compute({"observations": obs}, role="policy")[0]
        value = shared.act({"observations": obs}, role="value")[0]
        given = {"activation": "tanh", "gamma": 0.98}
        about = VERSION | {"world": "mountain_car", "given": given}
        write_expected(HERE / "shared.pt", obs=obs, action=scores.argmax(1), value=value[:, 0], **about)


if __name__ == "__main__":
    main()
