"""Measures the peers; runs in their own virtual environment."""

import warnings

warnings.filterwarnings("ignore")

import numpy as np  # noqa: E402
from measuring import answer, arguments, calls_per_s, choices_per_s  # noqa: E402


def envpool_rate(env, agents, seconds, batch):
    """Return steps a second with two threads; with `batch` < agents envpool steps whichever are ready."""
    import envpool

    pool = envpool.make_gymnasium(env, num_envs=agents, batch_size=batch, num_threads=2)
    rng = np.random.default_rng(0)
    actions = rng.uniform(-1, 1, (batch, 1)).astype(np.float32)
    try:
        if batch == agents:
            pool.reset()
            return agents * calls_per_s(lambda: pool.step(actions), seconds)
        pool.async_reset()

        def turn():
            ready = pool.recv()[-1]["env_id"]
            pool.send(actions[: len(ready)], ready)

        return batch * calls_per_s(turn, seconds)
    finally:
        pool.close()


def measure_envpool(args):
    agents = args["agents"]
    rates = {}
    for batch in (agents, agents // 2, agents // 4):
        rates[batch] = envpool_rate(args["env"], agents, args["seconds"] / 2, batch)
    best = max(rates, key=rates.get)
    answer(rates[best], best="sync" if best == agents else f"async, batches of {best}", rates=rates)


def _step_envs(make, args):
    import gymnasium

    envs = make([lambda: gymnasium.make(args["env"]) for _ in range(args["agents"])])
    envs.reset()
    actions = np.random.default_rng(0).uniform(-1, 1, (args["agents"], 1)).astype(np.float32)
    pace = calls_per_s(lambda: envs.step(actions), args["seconds"])
    envs.close()
    answer(pace * args["agents"])


def measure_SyncVectorEnv(args):
    from gymnasium.vector import SyncVectorEnv

    _step_envs(SyncVectorEnv, args)


def measure_CartPoleVectorEnv(args):
    from gymnasium.envs.classic_control.cartpole import CartPoleVectorEnv

    answer(choices_per_s(CartPoleVectorEnv(args["agents"]), args["agents"], args["seconds"]))


def measure_AsyncVectorEnv(args):
    from gymnasium.vector import AsyncVectorEnv

    _step_envs(lambda makers: AsyncVectorEnv(makers, shared_memory=True, context="fork"), args)


def measure_DummyVecEnv(args):
    from stable_baselines3.common.vec_env import DummyVecEnv

    _step_envs(DummyVecEnv, args)


def measure_SubprocVecEnv(args):
    from stable_baselines3.common.vec_env import SubprocVecEnv

    _step_envs(lambda makers: SubprocVecEnv(makers, start_method="fork"), args)


def measure_torch(args):
    """Time the forward pass in float32, without dynamics."""
    import torch

    torch.set_num_threads(1)
    layers = [torch.nn.Linear(2, 64), torch.nn.Linear(64, 64), torch.nn.Linear(64, 1)]
    network = torch.nn.Sequential(*(part for layer in layers for part in (layer, torch.nn.Tanh())))
    obs = torch.randn(args["agents"], 2)
    with torch.inference_mode():
        answer(args["agents"] * calls_per_s(lambda: network(obs), args["seconds"]))


if __name__ == "__main__":
    asked = arguments()
    globals()[f"measure_{asked['kind']}"](asked)
