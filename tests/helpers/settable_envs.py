"""Environments with an attribute `state`, some of which cannot be put into it."""

from types import SimpleNamespace

import gymnasium
import numpy as np
from gymnasium import spaces


class Walk(gymnasium.Env):
    """A point that walks in a square; its observation is its state."""

    def __init__(self):
        self.observation_space = spaces.Box(-1, 1, (2,), np.float32)
        self.action_space = spaces.Box(-1, 1, (1,), np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.steps = 0
        self.state = self.np_random.uniform(-0.5, 0.5, 2)
        return self.seen(), {}

    def seen(self):
        return np.float32(self.state)

    def step(self, action):
        self.steps += 1
        x, y = self.state
        self.state = np.array([x + 0.05 * y, y + 0.05 * float(action[0])])
        return self.seen(), -float(x * x), bool(abs(x) > 0.9), False, {}


class Windy(Walk):
    """A walk that chance has a part in."""

    def step(self, action):
        self.state = self.state + 0.05 * self.np_random.standard_normal(2)
        return super().step(action)


class Short(Walk):
    """A walk that truncates itself after ten steps."""

    def step(self, action):
        return *super().step(action)[:3], self.steps >= 10, {}


class Scaled(Walk):
    """A walk that does not observe its state."""

    def seen(self):
        return np.float32(self.state) / 2


class Shown(Walk):
    """A walk whose `state` is only for looking at."""

    def reset(self, *, seed=None, options=None):
        seen, info = super().reset(seed=seed)
        self.kept = self.state
        return seen, info

    def step(self, action):
        self.state = self.kept
        result = super().step(action)
        self.kept = self.state
        return result


class Goal(Walk):
    """A walk to a goal that is drawn at the start, and that nothing shows."""

    def reset(self, *, seed=None, options=None):
        seen, info = super().reset(seed=seed)
        self.goal = self.np_random.uniform(-1, 1)
        return seen, info

    def step(self, action):
        seen, reward, *rest = super().step(action)
        return seen, reward - abs(self.goal - float(self.state[0])), *rest


class Rounded(Walk):
    """A walk on whole numbers."""

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.state = np.zeros(2, np.int64)
        return self.seen(), {}


class Still(Walk):
    """A walk that stands still, without a state."""

    def reset(self, *, seed=None, options=None):
        gymnasium.Env.reset(self, seed=seed)
        return np.zeros(2, np.float32), {}

    def step(self, action):
        return np.zeros(2, np.float32), 0.0, False, False, {}


class Locked(Still):
    """A state that cannot be written."""

    state = property(lambda self: np.zeros(2))


class Named(Still):
    """A state that is no row of numbers."""

    state = SimpleNamespace(x=0.0, y=0.0)


CANNOT = {
    Scaled: "what it observes is not its `state`",
    Shown: "does not depend on what is written to its `state`",
    Goal: "depends on more than its `state`",
    Rounded: "does not keep what is written to it",
    Locked: "writing its `state` fails with AttributeError",
    Named: "has no `state` that is a row of numbers",
    Still: "has no `state` that is a row of numbers",
}
"""What is said of those that cannot be put into a state."""


def registered(monkeypatch, kind, **settings):
    """Register an environment, made with `settings`, for the time of a test; returns the world's name."""
    monkeypatch.setattr(gymnasium.envs.registration, "registry", dict(gymnasium.registry))
    monkeypatch.setattr(gymnasium, "registry", gymnasium.envs.registration.registry)
    gymnasium.register(f"{kind.__name__}-v0", entry_point=kind, max_episode_steps=25, kwargs=settings)
    return f"gymnasium:{kind.__name__}-v0"
