"""The search of the panel: finds rows by a few words."""

from valuescape.sim.config.model import SettingField


def words_of(setting: SettingField, labels: str) -> str:
    """Return the text that a setting is found by: its name, its labels, and its meaning."""
    return f"{setting.name} {setting.key.replace('_', ' ')} {labels} {setting.meaning}".casefold()


def matches(text: str, query: str) -> bool:
    """Return whether all words of a query, or their beginnings, are in a text of `words_of`."""
    return all(word in text for word in query.casefold().split())
