"""Compute passes: each makes its own programs and textures, borrows its inputs, and releases what it made."""
