"""Recordings: runs written to `.vsz` files, replayed and compared."""
