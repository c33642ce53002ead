"""Checkpoint formats, one module each. Loaders read files as data and run nothing in them."""
