"""Fixtures of A/B runs."""

from pairs import side_by_side

__all__ = ["side_by_side"]
