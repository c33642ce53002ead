"""Loads the plug-ins that a configuration names, and lists plug-ins without running any."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path

from valuescape.sim.config.sections import PluginsConfig
from valuescape.sim.errors import UsageError
from valuescape.sim.paths import read_plain
from valuescape.sim.plugins.declarations import Declaration, Kind
from valuescape.sim.plugins.installed import announced, find_installed, require_module_name
from valuescape.sim.plugins.loading import LOADED, load_module
from valuescape.sim.plugins.registry import sorted_by_needs
from valuescape.sim.plugins.running import python_file
from valuescape.sim.plugins.scan import Found, declares, knows_valuescape

_MODULES = "plugins.modules"
_MOST_BYTES = 4 * 2**20
_DECORATED = "name the module in which a decorator of valuescape.api stands"


def load_configured(section: PluginsConfig, tell: Callable[[str], None] = print) -> None:
    """Import the modules that a configuration names, and those that installed packages announce.

    Modules that are loaded already stay as they are. tell: takes the message about an announced module that
    fails, if `plugins.on_error` is "disable"; the module is then left out. Raises UsageError as `load_module`
    does, and for a module that does not import `valuescape`: a configuration cannot run any other.
    """
    for name in section.modules:
        if name not in LOADED:
            _require_written_for_us(name)
            load_module(name, _MODULES)
    for entry in announced() if section.installed else ():
        try:
            load_module(entry.module, said_of(entry))
        except UsageError as error:
            if section.on_error == "stop":
                hint = "--set plugins.installed=false leaves such modules out"
                raise UsageError(str(error.args[0]), hint) from error
            tell(f"{error.args[0]}; it is left out")


def said_of(entry: EntryPoint) -> str:
    """Return an entry point as messages name it: "entry point gusts of gusty"."""
    package = f" of {entry.dist.name}" if entry.dist else ""
    return f"entry point {entry.name}{package}"


def _require_written_for_us(name: str) -> None:
    where = f"{_MODULES}: {name}"
    require_module_name(name, where)
    if find_installed(name) is None:
        return  # which the import says
    content = _content_of(name)
    if content is None:
        raise UsageError(f"{where}: has no source that can be read", _DECORATED)
    try:
        known = knows_valuescape(content)
    except (SyntaxError, ValueError, RecursionError) as error:
        raise UsageError(f"{where}: is no Python: {error}", "mend or leave out the module") from error
    if not known:
        raise UsageError(f"{where}: does not import valuescape.api, so it declares no plug-in", _DECORATED)


def _content_of(name: str) -> bytes | None:
    """Return the source of an installed module; None if there is none to be read."""
    spec = find_installed(name)
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    return read_plain(Path(spec.origin), _MOST_BYTES)


@dataclass(frozen=True, slots=True)
class Listed:
    """A plug-in as `valuescape plugins` lists it, or a source that cannot be read.

    kind, name: "?" if they are not written out in the source. found_by: the option or setting that names its
    source. source: file or module. trouble: why the source cannot be found or read; "" for a plug-in.
    """

    kind: str
    name: str
    needs: tuple[str, ...]
    found_by: str
    source: str
    line: int
    trouble: str = ""


def listed(files: Iterable[Path], section: PluginsConfig) -> list[Listed]:
    """Return the plug-ins of files, configuration and installed packages in their order; runs none of them.

    Raises UsageError for a missing file, a circle, a need that no plug-in fulfils, or a name used twice.
    """
    found: list[Listed] = []
    for path in files:
        full, content = python_file(path, f"--plugin {path}")
        found += _listed("--plugin", str(full), content)
    for name in section.modules:
        require_module_name(name, f"{_MODULES}: {name}")
        found += _listed_module(_MODULES, name)
    for entry in announced() if section.installed else ():
        found += _listed_module(said_of(entry), entry.module)
    return _in_order(found)


def _listed_module(found_by: str, name: str) -> list[Listed]:
    if find_installed(name) is None:
        return [Listed("", "", (), found_by, name, 0, "no installed package has this module")]
    content = _content_of(name)
    if content is None:
        return [Listed("", "", (), found_by, name, 0, "has no source that can be read")]
    return _listed(found_by, name, content)


def _listed(found_by: str, source: str, content: bytes) -> list[Listed]:
    try:
        declared = declares(content)
    except (SyntaxError, ValueError, RecursionError) as error:
        return [Listed("", "", (), found_by, source, 0, f"is no Python: {error}")]
    if not declared:  # it may declare some when it runs
        return [Listed("?", "?", (), found_by, source, 0)]
    return [_listing(each, found_by, source) for each in declared]


def _listing(each: Found, found_by: str, source: str) -> Listed:
    return Listed(str(each.kind), each.name, each.needs, found_by, source, each.line)


def _in_order(found: list[Listed]) -> list[Listed]:
    """Return plug-ins in the order in which they would run; those without a written name come last."""
    known = [each for each in found if each.name not in ("", "?")]
    names: dict[tuple[str, str], Listed] = {}
    for each in known:
        other = names.setdefault((each.kind, each.name), each)
        if other is not each:
            raise UsageError(
                f"{each.source} line {each.line}: the {each.kind} {each.name!r} is declared in "
                f"{other.source} line {other.line} too",
                "give one of them another name, or leave one out",
            )
    declarations = [
        Declaration(Kind(each.kind), each.name, len, each.needs, each, each.source) for each in known
    ]
    incomplete = len(known) < len(found)
    ordered = sorted_by_needs(tuple(declarations), lenient=incomplete)
    return [*(each.options for each in ordered), *(each for each in found if each not in known)]
