"""The TOML file that says which tensors are which network, for files with names of any kind."""

import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats.files import read_bounded

_MAX_BYTES = 2**16
_ROLES = re.compile(r"actor|critic\d{0,2}|twin|log_std")
_EXPECTED = '[map] actor = "pi", critic = "qf1", twin = "qf2"; of a shared trunk: critic = ["body", "v"]'


def read_names(path: Path) -> dict[str, list[str]]:
    """Return the prefixes of tensors' names by role, in the order of their layers.

    Roles: actor, critic, twin, critic3 …, log_std. Raises UsageError, naming file and key.
    """
    try:
        table = tomllib.loads(read_bounded(path, _MAX_BYTES).decode())
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: is no TOML: {error}", f"expected {_EXPECTED}") from error
    entries = table.get("map")
    if not isinstance(entries, dict) or table.keys() != {"map"}:
        raise UsageError(f"{path}: expected one table [map]", _EXPECTED)
    found = {}
    for role, names in entries.items():
        listed = [names] if isinstance(names, str) else names
        if not _ROLES.fullmatch(role):
            raise UsageError(f"{path}: map.{role} is no role", "roles: actor, critic, twin, critic3, log_std")
        if not isinstance(listed, list) or not listed or not all(isinstance(each, str) for each in listed):
            raise UsageError(f"{path}: map.{role} is {names!r:.60}, expected names", _EXPECTED)
        found[role] = listed
    return found


def require_names(file: Path, model: Path, names: Mapping[str, Sequence[str]], known: Sequence[str]) -> None:
    """Raise UsageError, with the nearest names, for one of a map that a model does not have.

    file: of the map. known: the names of the model's layers, and of the modules they are in.
    """
    for role, named in names.items():
        for name in named:
            if role != "log_std" and name not in known:
                near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
                first = [each for each in known if "." not in each] or known
                hint = f"did you mean {' or '.join(near)}?" if near else f"it has {', '.join(first[:6])}"
                raise UsageError(f"{file}: map.{role} is {name!r}, which {model} does not have", hint)


def incomplete(file: Path, names: Mapping[str, object]) -> UsageError:
    """Return the error for a table of names without an actor or a critic."""
    if "critic" not in names:
        return UsageError(f"{file}: [map] has no critic", 'add critic = "NAME"; an actor alone has no values')
    return UsageError(
        f"{file}: [map] has no actor", 'add actor = "NAME"; of DQN, whose critic acts: --algorithm dqn'
    )
