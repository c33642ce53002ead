"""Trains an actor and its critic in a world."""
