"""Measurements of a run: the profiler, health limits, cached statistics."""
