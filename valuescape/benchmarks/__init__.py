"""Micro-benchmarks: each way of doing a thing beside the way that it took the place of.

`valuescape bench` runs them (pytest and pytest-benchmark underneath). Of the benchmarks of a group that count
the same number of things, the first in the file is the plain way, which others are compared with.
"""
