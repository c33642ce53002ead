"""Provenance of pictures: how each was made, kept in its file, so that it can be made again."""
