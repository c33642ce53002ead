"""The plug-ins that a run uses, for its report and for files that say how they were made."""

import hashlib
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, packages_distributions, version

from valuescape.sim.plugins.failing import TROUBLE
from valuescape.sim.plugins.loading import LOADED, Loaded
from valuescape.sim.plugins.registry import PLUGINS


@dataclass(frozen=True, slots=True)
class UsedSource:
    """A file or module whose plug-ins a run has.

    option: the option or setting that named it: "--plugin". name: the file, as it was named, or the module;
    "" for a script or notebook. sha256: of the file, else "". version: of an installed package, else "".
    plugins: "kind: name", in the order in which they run. off: the reasons why plug-ins were switched off.
    """

    option: str
    name: str
    sha256: str
    version: str
    plugins: tuple[str, ...]
    off: tuple[str, ...] = ()


def used_sources(*, in_workers: bool = False) -> list[UsedSource]:
    """Return the sources of all plug-ins of this process, in the order of loading.

    in_workers: only those that take part in the simulation.
    """
    found = [_used(each) for each in LOADED.values() if each.in_workers or not in_workers]
    direct = _said("")
    return [*found, UsedSource("", "", "", "", direct, _off(""))] if direct else found


def _used(loaded: Loaded) -> UsedSource:
    source = loaded.source
    name = source.where.removeprefix(f"{source.option} ") if source.path else source.module
    sha256 = hashlib.sha256(source.content).hexdigest() if source.path else ""
    number = "" if source.path else _version(source.module)
    return UsedSource(source.option, name, sha256, number, _said(source.key), _off(source.key))


def _said(key: str) -> tuple[str, ...]:
    return tuple(f"{each.kind}: {each.name}" for each in PLUGINS.ordered() if each.source == key)


def _off(key: str) -> tuple[str, ...]:
    return tuple(
        TROUBLE.off[each.kind, each.name]
        for each in PLUGINS.ordered()
        if each.source == key and TROUBLE.is_off(each)
    )


def _version(module: str) -> str:
    """Return the version of the package that a module is of; "" if it is not known."""
    for package in packages_distributions().get(module.partition(".")[0], []):
        try:
            return f"{package} {version(package)}"
        except PackageNotFoundError:
            continue
    return ""
