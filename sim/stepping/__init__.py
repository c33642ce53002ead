"""Steppers: one tick of one slice of agents. `compiled` holds their machine-code twins."""
