"""Quantities derived from a run: the map's plane and the agents' signals."""
