"""Checkpoint formats: one loader a file. Each reads data and runs none of it."""
