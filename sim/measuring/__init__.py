"""Measuring a run: the profiler, health, cached statistics."""
