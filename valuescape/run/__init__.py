"""A run: the session, its frames, its report."""
