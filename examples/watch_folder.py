"""PPO of Stable-Baselines3 that saves checkpoints in a folder, which can be watched while it learns.

    python watch_folder.py logs            # learns to balance a pole, in about half a minute
    valuescape attach logs                 # in another terminal, as often as you like

Nothing here is of Valuescape: any program that saves checkpoints can be watched so.
"""

import argparse

import torch
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import CheckpointCallback
from stable_baselines3.common.env_util import make_vec_env

ENVS, STEPS = 8, 64


def main(folder: str, timesteps: int, seed: int) -> None:
    """Learn, and save a checkpoint after every second rollout."""
    torch.set_num_threads(1)
    env = make_vec_env("CartPole-v1", n_envs=ENVS, seed=seed)
    model = PPO(
        "MlpPolicy", env, n_steps=STEPS, batch_size=256, gamma=0.98, learning_rate=1e-3, seed=seed, verbose=1
    )
    model.learn(timesteps, callback=CheckpointCallback(2 * STEPS, folder))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", help="the folder for checkpoints")
    parser.add_argument("--timesteps", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    main(arguments.folder, arguments.timesteps, arguments.seed)
