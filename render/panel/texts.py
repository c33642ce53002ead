"""The texts of the panel's rows: their tips, and the words that the search finds them by."""

from valuescape.sim.config.model import SettingField

_WHEN = {"live": "", "restart": "; counts after a restart", "next start": "; counts at the next start"}
"""The end of a tip: when a new value takes effect."""


def tip(setting: SettingField) -> str:
    """Return the tip of a setting: its name, its meaning with its unit, and when a new value takes effect."""
    return f"{setting.name}: {setting.meaning}{_WHEN[setting.declared.applies]}"


def words_of(setting: SettingField, labels: str) -> str:
    """Return the text that a setting is found by: its name, its labels, and its meaning."""
    return f"{setting.name} {setting.key.replace('_', ' ')} {labels} {setting.meaning}".casefold()


def matches(text: str, query: str) -> bool:
    """Return whether all words of a query, or their beginnings, are in a text of `words_of`."""
    return all(word in text for word in query.casefold().split())
