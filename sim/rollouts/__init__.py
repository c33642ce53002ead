"""Rollouts: whole episodes from given states under a checkpoint's policy, and the returns they end with."""
