"""Configuration: sections, files, TOML."""
