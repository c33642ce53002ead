"""A/B runs: two configurations side by side in one picture, at the same tick."""
