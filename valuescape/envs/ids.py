"""Gymnasium's ids of worlds that this program has, too."""

WORLD_OF_ID = {
    "MountainCar-v0": "mountain_car",
    "MountainCarContinuous-v0": "mountain_car_continuous",
    "Pendulum-v1": "pendulum",
    "CartPole-v1": "cartpole",
    "Acrobot-v1": "acrobot",
}
"""The names of the worlds, by Gymnasium's ids."""
