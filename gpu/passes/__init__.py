"""Compute passes. Each makes and releases its own programs, buffers and textures; its inputs are lent."""
