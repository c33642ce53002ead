"""Valuescape: a live view of what a reinforcement-learning critic believes, and of what agents do about it."""

__version__ = "0.1.0"
