"""Fixtures of this folder."""

from gl_context import gl, shared_context

__all__ = ["gl", "shared_context"]
