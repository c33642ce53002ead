"""The threshold from which on a slower frame is reported, in runs and in comparisons of reports."""

GREW_MS = 10.0
"""Milliseconds by which a frame or one of its sections may grow without a word."""
