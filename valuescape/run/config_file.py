"""A version of a configuration file, with the changes that the command line makes to it."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from valuescape.presets import config_path
from valuescape.sim.config.files import Config, config_of, overridden
from valuescape.sim.config.toml_reader import MAX_BYTES, toml_tables
from valuescape.sim.paths import read_plain


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """The content of a configuration file at some time, and the overrides to it (`section.key=value`)."""

    path: Path
    content: bytes
    overrides: tuple[str, ...] = ()

    @classmethod
    def named(cls, name: str, overrides: tuple[str, ...] = ()) -> Self:
        """Return the file that `name` means, a preset or a path, as it is now. Raises UsageError."""
        path = config_path(name)
        return cls(path, read_plain(path, MAX_BYTES), overrides)

    def having(self, content: bytes) -> Self:
        """Return another version of the file."""
        return replace(self, content=content)

    @property
    def config(self) -> Config:
        """The configuration, overrides applied. Raises UsageError naming file and key."""
        return config_of(self._tables(), self.overrides, str(self.path))

    @property
    def given(self) -> frozenset[str]:
        """The settings (`section.key`) that the file itself gives. Raises UsageError."""
        return frozenset(f"{section}.{key}" for section, key, _ in self._entries())

    @property
    def values(self) -> dict[str, Any]:
        """What the file itself says, before overrides, by names as in `--set`. Raises UsageError."""
        found: dict[str, Any] = {}
        for section, key, value in self._entries():
            inner = value if isinstance(value, dict) else {}
            found |= {f"{section}.{key}.{name}": each for name, each in inner.items()} or {
                f"{section}.{key}": value
            }
        return found

    @property
    def overridden(self) -> dict[str, str]:
        """The overrides by the name that each gives a value."""
        return overridden(self.overrides)

    def _entries(self) -> list[tuple[str, str, Any]]:
        tables = {name: table for name, table in self._tables().items() if isinstance(table, dict)}
        return [(name, key, value) for name, table in tables.items() for key, value in table.items()]

    def _tables(self) -> dict[str, Any]:
        return toml_tables(self.content, str(self.path))
