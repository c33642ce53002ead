"""Texts of world files: the guide's example, and a world of arrays."""

import re
from pathlib import Path

GUIDE = Path(__file__).parents[2] / "docs" / "worlds.md"
EXAMPLE = re.search(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)[1]

ARRAYS = """
import numpy as np
from valuescape.api import ArrayWorld, DiscreteAction, Variable

class Arrays(ArrayWorld):
    name = "arrays"
    source = "a test"
    state = (Variable("a", "m", -1.0, 1.0), Variable("b", "", -1.0, 1.0))
    obs = state
    action = DiscreteAction(("down", "up"))
    step_s = 0.1
    max_episode_steps = 9
    reset_draws = 1

    def reset(self, draws, out):
        out[0] = draws[0]
        out[1] = 0

    def step(self, state, action, out, reward, terminated):
        out[0] = state[0] + np.float32(0.1) * action[0]
        out[1] = np.tanh(state[0])
        reward[:] = out[1]
        terminated[:] = out[0] > 1.5
"""
