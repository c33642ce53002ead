"""Shipped checkpoints, and options with which `analyze` is quick."""

from importlib.resources import files
from pathlib import Path

SHIPPED = Path(str(files("valuescape.configs").joinpath("checkpoints")))
QUICK = ("--episodes", 32, "--cells", 32, "--rollouts", 4)
