"""What a policy is worth: the returns and lengths of episodes that it runs side by side."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.policy.inference import BatchPolicy
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.policy.trials import trials
from valuescape.sim.worlds import World

Float32Array = NDArray[np.float32]
Act = Callable[[Float32Array], Float32Array]  # obs [obs_dim, n] -> action [action_dim, n], world's units


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What `episodes` episodes came to: returns, lengths, and the share that ended by termination."""

    episodes: int
    mean_return: float
    std_return: float
    mean_length: float
    terminated: float


def evaluate(world: World, act: Act, episodes: int, seed: int) -> Evaluation:
    """Run `episodes` episodes of `act` side by side and return what they came to.

    The starts depend on `seed` alone. Episodes that have ended are no longer counted. Raises ValueError if
    the world's agents cannot live alone.
    """
    returns, lengths = np.zeros(episodes), np.zeros(episodes)
    reached, running = np.zeros(episodes, np.bool_), np.ones(episodes, np.bool_)
    with ExitStack() as owned:
        agents = trials(world, episodes, seed, owned)
        if agents is None:
            raise ValueError(f"agents of {world.name} cannot live alone")
        for _ in range(world.max_episode_steps):
            reward, terminated, cut = agents.step(act(agents.obs))
            returns += np.where(running, reward, 0)
            lengths += running
            reached |= running & terminated
            running &= ~(terminated | cut)
            if not running.any():
                break
    return Evaluation(
        episodes, float(returns.mean()), float(returns.std()), float(lengths.mean()), float(reached.mean())
    )


def evaluate_checkpoint(checkpoint: Checkpoint, world: World, episodes: int, seed: int) -> Evaluation:
    """Evaluate a checkpoint's deterministic policy as the workers run it, with NumPy."""
    policy = BatchPolicy(checkpoint, world.action, episodes)
    action = np.zeros((world.action.dim, episodes), np.float32)

    def act(obs: Float32Array) -> Float32Array:
        policy.act(obs, action)
        return action

    return evaluate(world, act, episodes, seed)
