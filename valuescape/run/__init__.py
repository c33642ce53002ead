"""One run: its session, its frames, its report."""
