"""Valuescape: what a reinforcement-learning critic believes, and what a crowd of agents does about it."""

__version__ = "0.1.0"
