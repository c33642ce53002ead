"""Valuescape as a library: what `import valuescape` offers beside vector environments."""
