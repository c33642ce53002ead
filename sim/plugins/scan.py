"""Finds what a source declares without running it, for lists of plug-ins and before an import."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from valuescape.sim.plugins.declarations import Kind

FRONT_DOOR = "valuescape.api"

DECORATORS = {
    "system": Kind.WORKER_SYSTEM,
    "array_system": Kind.WORKER_SYSTEM,
    "main_system": Kind.SYSTEM,
    "map_layer": Kind.LAYER,
    "shader_layer": Kind.LAYER,
    "trail_coloring": Kind.COLORING,
    "panel": Kind.PANEL,
    "world": Kind.WORLD,
    "checkpoint_format": Kind.FORMAT,
}
"""The decorators of `valuescape.api`, and what each declares."""

_WORLDS = frozenset({"ElementwiseWorld", "ArrayWorld"})


@dataclass(frozen=True, slots=True)
class Found:
    """A declaration in the text of a source. name: "?" if it is computed rather than written out."""

    kind: Kind
    name: str
    needs: tuple[str, ...]
    line: int


def declares(content: bytes) -> list[Found]:
    """Return what Python source declares by decorators and base classes of `valuescape.api`, by line.

    Declarations that are made in another way, such as in a loop, are not found. Raises SyntaxError or
    ValueError if the source is not Python.
    """
    tree = ast.parse(content)
    names = _imported(tree)
    found: list[Found] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found += _decorated(node, names)
        if isinstance(node, ast.ClassDef) and any(_called(base, names) in _WORLDS for base in node.bases):
            found += [Found(Kind.WORLD, _assigned(node, "name"), (), node.lineno)]
    known = {(each.kind, each.name): each for each in found}  # a world may have its decorator, too
    return sorted(known.values(), key=lambda each: each.line)


def knows_valuescape(content: bytes) -> bool:
    """Return whether Python source imports something of this program, and so is written for it."""
    modules = (_modules_of(node) for node in ast.walk(ast.parse(content)))
    return any(name.partition(".")[0] == "valuescape" for names in modules for name in names)


def _modules_of(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.level == 0:
        yield node.module or ""


def _imported(tree: ast.AST) -> dict[str, str]:
    """Return what the names in a source stand for: names of the front door, or "" for the module itself."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == FRONT_DOOR:
            names |= {alias.asname or alias.name: alias.name for alias in node.names}
            if node.names[0].name == "*":
                names |= {name: name for name in (*DECORATORS, *_WORLDS)}
        elif isinstance(node, ast.ImportFrom) and node.module == "valuescape":
            names |= {alias.asname or alias.name: "" for alias in node.names if alias.name == "api"}
        elif isinstance(node, ast.Import):
            names |= {alias.asname or alias.name: "" for alias in node.names if alias.name == FRONT_DOOR}
    return names


def _called(node: ast.expr, names: dict[str, str]) -> str:
    """Return the front door's name that an expression stands for; "" if there is none."""
    if isinstance(node, ast.Name):
        return names.get(node.id, "")
    if isinstance(node, ast.Attribute) and names.get(ast.unparse(node.value)) == "":
        return node.attr
    return ""


def _decorated(node: ast.FunctionDef | ast.ClassDef, names: dict[str, str]) -> Iterator[Found]:
    for each in node.decorator_list:
        call = each.func if isinstance(each, ast.Call) else each
        kind = DECORATORS.get(_called(call, names))
        if kind is None:
            continue
        given = {key.arg: key.value for key in each.keywords} if isinstance(each, ast.Call) else {}
        own = _assigned(node, "name") if kind is Kind.WORLD else _plain(node.name, node)
        name = _text(given["name"]) if "name" in given else own
        yield Found(kind, name, _texts(given.get("needs")), node.decorator_list[0].lineno)


def _plain(name: str, node: ast.FunctionDef | ast.ClassDef) -> str:
    """Return the name that a plug-in gets from its function or class."""
    return named(name) if isinstance(node, ast.ClassDef) else name


def named(class_name: str) -> str:
    """Return the name of the plug-in that a class declares: csv_log for `CsvLog`."""
    apart = "".join(f"_{each.lower()}" if each.isupper() else each for each in class_name)
    return apart.strip("_")


def _assigned(node: ast.FunctionDef | ast.ClassDef, name: str) -> str:
    """Return the text that a class assigns to an attribute."""
    for each in node.body:
        if isinstance(each, ast.Assign) and ast.unparse(each.targets[0]) == name:
            return _text(each.value)
    return "?"


def _text(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else "?"


def _texts(node: ast.expr | None) -> tuple[str, ...]:
    if node is None:
        return ()
    each = node.elts if isinstance(node, ast.Tuple | ast.List) else [node]
    return tuple(_text(one) for one in each)
