"""Training: an actor and its critic in one of our worlds."""
