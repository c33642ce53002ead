"""Studies: commands that measure many runs, and their reports."""
