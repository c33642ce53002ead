"""Vectorised environments that a test makes of one small environment, in each way of beginning again."""

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv

LIMIT = 6

SEEDS: list[int] = []
"""What environments were reset with, as far as it was a seed."""


class Hopper(gymnasium.Env):
    """A point that hops to the left or the right. Of one that starts far out, the episode has one step."""

    def __init__(self):
        self.observation_space = spaces.Dict(
            {"where": spaces.Box(-2, 2, (2,), np.float32), "side": spaces.Discrete(2)}
        )
        self.action_space = spaces.Discrete(2, start=3)

    def seen(self):
        return {"where": self.x.astype(np.float32), "side": int(self.x[0] > 0)}

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        if seed is not None:
            SEEDS.append(seed)
        self.x, self.steps = self.np_random.uniform(-1, 1, 2), 0
        return self.seen(), {}

    def step(self, action):
        assert action in (3, 4)
        self.steps += 1
        far = abs(self.x[1]) > 0.8
        self.x = self.x + (0.3 if action == 4 else -0.3) + 0.05 * self.np_random.standard_normal(2)
        reward = 1.0 + float(self.x[0])
        return self.seen(), reward, bool(far), self.steps >= LIMIT, {}


def next_step(num_envs):
    return SyncVectorEnv([Hopper] * num_envs, autoreset_mode=AutoresetMode.NEXT_STEP)


def same_step(num_envs):
    return SyncVectorEnv([Hopper] * num_envs, autoreset_mode=AutoresetMode.SAME_STEP)


def disabled(num_envs):
    return SyncVectorEnv([Hopper] * num_envs, autoreset_mode=AutoresetMode.DISABLED)


def endless(num_envs):
    env = next_step(num_envs)
    for each in env.envs:
        each.step_of_one, each.step = (
            each.step,
            lambda action, env=each: (*env.step_of_one(action)[:2], False, False, {}),
        )
    return env
