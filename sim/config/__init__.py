"""Configurations: declarations of settings, the whole configuration, TOML files in and out."""
