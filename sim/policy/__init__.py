"""Policies and critics: read from checkpoints as data, evaluated with NumPy in the workers."""
