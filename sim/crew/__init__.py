"""Crews: the calling process alone, or worker processes under a supervisor."""
