"""Names of settings as keyword arguments."""

import difflib
from collections import Counter

from valuescape.sim.config.model import TABLES, settings_of
from valuescape.sim.errors import UsageError


def setting_name(argument: str) -> str:
    """Return the setting (`section.key`) that a keyword argument names.

    "layer" is heatmap.layer, for no other section has that key; "agents__count" is agents.count. Raises
    UsageError, with the nearest, if there is none, or with all if there are several.
    """
    names = list(settings_of())
    name = argument.replace("__", ".")
    if name in names or any(name.startswith(f"{table}.") for table in TABLES):
        return name
    found = [each for each in names if each.partition(".")[2] == argument]
    if len(found) == 1:
        return found[0]
    if found:
        choices = " or ".join(each.replace(".", "__") for each in found)
        raise UsageError(f"{argument} is a setting of several sections", f"write {choices}")
    keys = Counter(each.partition(".")[2] for each in names)
    known = [*names, *(key for key, count in keys.items() if count == 1)]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0].replace('.', '__')}?" if near else "`valuescape settings` lists them all"
    raise UsageError(f"{argument} is no setting", hint)
