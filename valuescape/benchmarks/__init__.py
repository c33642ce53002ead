"""Micro-benchmarks: each optimised way of doing something beside the plain way that it replaced.

`valuescape bench` runs them, with pytest and pytest-benchmark. The first benchmark in a file is the plain
way; the others are compared with it where they count the same number of items.
"""
