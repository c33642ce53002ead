"""Soft actor-critic of Stable-Baselines3 that can be watched while it learns.

python watch_sb3.py                    # learns to swing up and balance a pendulum, in a few minutes
valuescape attach sac-Pendulum-v1      # in another terminal, as often as you like
"""

import argparse

import torch
from stable_baselines3 import SAC
from stable_baselines3.common.env_util import make_vec_env

import valuescape


def main(timesteps: int, seed: int) -> None:
    """Learn, with one update for viewers after each step of learning, as often as that costs nothing."""
    torch.set_num_threads(1)
    env = make_vec_env("Pendulum-v1", n_envs=1, seed=seed)
    model = SAC(
        "MlpPolicy", env, learning_rate=1e-3, policy_kwargs={"net_arch": [64, 64]}, seed=seed, verbose=1
    )
    model.learn(timesteps, callback=valuescape.ValuescapeCallback())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--timesteps", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    main(arguments.timesteps, arguments.seed)
