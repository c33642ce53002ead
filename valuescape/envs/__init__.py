"""Environments: a crowd as Gymnasium's VectorEnv and Stable-Baselines3's VecEnv."""
