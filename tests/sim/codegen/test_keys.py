"""Keys of kept machine code contain the source of every module whose values are in it."""

import ast
from pathlib import Path

import pytest

pytest.importorskip("numba")

from valuescape.sim import elementwise
from valuescape.sim.codegen import compiler
from valuescape.sim.codegen.compiler import OWN_PARTS, own_files, source_key

SIM = Path(elementwise.__file__).parent

BESIDE = {
    "arrays": "types for annotations",
    "errors": "raised, never compiled",
    "policy.inference": "the plain path",
    "shared.arena": "arrays, whose types are in every signature",
    "shared.orders": "a file descriptor, which is an argument",
    "stepping.acting": "bounds of actions, given as constants of the key",
    "stepping.exchange": "the plain path",
    "stepping.shared_policy": "views of the arena, whose types are in every signature",
    "stepping.stepper": "rules, given as constants of the key or as arguments",
    "worlds.base": "what a world says of itself, given as constants of the key; its functions by content",
    "worlds.interacting": "a kernel, with a key of its own",
    "worlds.parameters": "which parameters are spread, given as a constant of the key",
    "worlds.systems.compose": "names the systems of a world in messages",
    "worlds.systems.declared": "the type of what messages name",
    "worlds.systems.elements": "what messages recognise; in the dynamics of a world, by content",
}
"""Modules that the compiled path imports though their source is in no key, and why that is right."""


@pytest.fixture(autouse=True)
def forget():
    """Let every test read the files anew."""
    caches = own_files, compiler._own_source
    for each in caches:
        each.cache_clear()
    yield
    for each in caches:
        each.cache_clear()


def imported(file):
    """Return the modules of `sim` that a file imports, by their names within it."""
    nodes = [node for node in ast.walk(ast.parse(file.read_bytes())) if isinstance(node, ast.ImportFrom)]
    inside = f"{elementwise.__package__}."
    names = {f"{node.module}.{alias.name}" for node in nodes for alias in node.names}
    names = {name.removeprefix(inside) for name in names if name.startswith(inside)}
    is_module = {name: (SIM / f"{name.replace('.', '/')}.py").is_file() for name in names}
    return {name if is_module[name] else name.rpartition(".")[0] for name in names}


def test_every_part_that_is_named_is_read():
    files = {file.relative_to(SIM).with_suffix("").as_posix().replace("/", ".") for file in own_files()}
    for part in OWN_PARTS:
        assert part in files or f"{part}.__init__" in files
    for package in ("codegen", "stepping/compiled"):
        assert set((SIM / package).glob("*.py")) <= set(own_files())


@pytest.mark.parametrize("part", ["gone", "policy.gone", "gone.network"])
def test_a_part_that_has_moved_is_an_error(monkeypatch, part):
    monkeypatch.setattr(compiler, "OWN_PARTS", (*OWN_PARTS, part))
    with pytest.raises(LookupError, match=rf"valuescape\.sim\.{part}, but there is no such module"):
        source_key()


def test_the_key_changes_with_any_of_the_files(monkeypatch):
    plain, read = source_key(), Path.read_bytes
    for changed in own_files():
        monkeypatch.setattr(Path, "read_bytes", lambda file, it=changed: read(file) + b"#" * (file == it))
        compiler._own_source.cache_clear()
        assert source_key() != plain, changed


def test_what_the_compiled_path_imports_is_in_the_key_or_known_not_to_matter():
    """A new import either joins `OWN_PARTS`, or is listed here with the reason."""
    own = [file for file in own_files() if file.parent.name in ("codegen", "compiled")]
    found = set().union(*map(imported, own))
    packages = tuple(f"{part}." for part in OWN_PARTS)
    outside = {name for name in found if name not in OWN_PARTS and not name.startswith(packages)}
    assert outside == BESIDE.keys()
