"""Watching a training run from another process: its updates, its past, and numbers over its steps."""
