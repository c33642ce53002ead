"""The flock: a world whose agents see each other, and its compiled step."""
