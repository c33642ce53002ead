"""Fixtures of this folder."""

from hands import at_the_picture

__all__ = ["at_the_picture"]
