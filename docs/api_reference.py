"""Writes docs/api.md, the reference of `import valuescape`, from its docstrings: `make api`.

`--check` writes nothing and ends with status 1 if the page is not up to date.
"""

import ast
import importlib
import inspect
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import valuescape

PAGE = Path(__file__).parent / "api.md"

HEAD = """# API reference

The names of `import valuescape`. [python.md](python.md) is a guide with examples; what plug-ins and world
files import is in [plugins.md](plugins.md) and [worlds.md](worlds.md). This page is made from the docstrings:
`make api`.

"""

CHAPTERS = {
    "Models": ("load", "LoadOptions", "GivenOptions", "Model"),
    "Maps": (
        *("value_map", "truth_map", "TruthOptions", "signal_map", "SignalOptions", "signal_names"),
        *("Map", "plot"),
    ),
    "Episodes": ("rollouts", "Rollouts"),
    "Analysis": ("analyze", "AnalysisOptions", "Analysis", "Comparison"),
    "Sessions": ("Session", "State", "Trails"),
    "Notebooks": ("show", "View"),
    "Training runs": ("publish", "PublishOptions", "Publisher", "ValuescapeCallback", "Subscription"),
    "Environments and code of your own": ("make_vec", "load_world_file", "load_plugin"),
    "Values and errors": ("Checkpoint", "Config", "ValuescapeError", "UsageError"),
}

OPTIONS = {
    "GivenOptions": "valuescape.library.stated",
    "LoadOptions": "valuescape.library.stated",
    "TruthOptions": "valuescape.library.maps",
    "SignalOptions": "valuescape.library.signals",
    "AnalysisOptions": "valuescape.library.analysis",
    "PublishOptions": "valuescape.publishing.publisher",
}
"""Keyword arguments that several functions share, and their modules."""

BRIEF = ("Checkpoint", "Config")
"""Classes of which the page has no attributes: other pages describe them."""

ALIASES = """Terms of the signatures: `ModelSource` is whatever `load` takes, or a `Model`; `WorldSource` a
world's name, Gymnasium's id, or a class of your own; `Axes` the names of two state variables; `Slice` values
of the others by name. `Float32Array`, `Float64Array`, `Int64Array` and `BoolArray` are arrays of NumPy;
docstrings give their shapes in brackets.

"""


def page() -> str:
    """Return the whole page."""
    said = [HEAD, ALIASES]
    for title, names in CHAPTERS.items():
        said.append(f"## {title}\n\n")
        said += [entry(name) for name in names]
    return "".join(said).rstrip() + "\n"


def chaptered() -> set[str]:
    """Return the public names that have an entry."""
    return {name for names in CHAPTERS.values() for name in names} - OPTIONS.keys()


def entry(name: str) -> str:
    """Return the entry of a name: its signature, its docstring, and of a class its members."""
    found = getattr(importlib.import_module(OPTIONS[name]) if name in OPTIONS else valuescape, name)
    node = node_of(found)
    head = f"### `{name}`\n\n{block(signature(node, name))}{text(node)}"
    return head + ("" if name in BRIEF else "".join(members(node)))


def node_of(found: object) -> ast.FunctionDef | ast.ClassDef:
    """Return the syntax tree of a function or a class."""
    file = inspect.getsourcefile(found)  # type: ignore[arg-type]
    assert file
    name = found.__name__  # type: ignore[attr-defined]
    body = ast.parse(Path(file).read_text(encoding="utf-8")).body
    nodes = [node for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name]
    return nodes[-1]  # after its overloads


def signature(node: ast.FunctionDef | ast.ClassDef, name: str) -> str:
    """Return a signature as the source has it, without `self`."""
    if isinstance(node, ast.ClassDef):
        made = [each for each in node.body if isinstance(each, ast.FunctionDef) and each.name == "__init__"]
        bases = ", ".join(ast.unparse(each) for each in node.bases)
        plain = f"class {name}({bases})" if bases else f"class {name}"
        return call(made[0], name) if made and name == "Session" else plain
    return call(node, name)


def call(node: ast.FunctionDef, name: str) -> str:
    """Return a function's name with its parameters; one a line if they are long."""
    said = parameters(node.args)
    returns = f" -> {ast.unparse(node.returns)}" if node.returns and node.name != "__init__" else ""
    short = f"{name}({', '.join(said)}){returns}"
    if len(short) <= 100:
        return short
    return f"{name}(\n" + "".join(f"    {each},\n" for each in said) + f"){returns}"


def parameters(given: ast.arguments) -> list[str]:
    """Return the parameters of a signature as the source has them, without `self`."""
    positional = [*given.posonlyargs, *given.args]
    defaults = [None] * (len(positional) - len(given.defaults)) + list(given.defaults)
    said = [one(*each) for each in zip(positional, defaults, strict=True)]
    if given.posonlyargs:
        said.insert(len(given.posonlyargs), "/")
    if given.vararg:
        said.append(f"*{one(given.vararg)}")
    elif given.kwonlyargs:
        said.append("*")
    said += [one(*each) for each in zip(given.kwonlyargs, given.kw_defaults, strict=True)]
    if given.kwarg:
        said.append(f"**{one(given.kwarg)}")
    return [each for each in said if each != "self"]


def one(parameter: ast.arg, default: ast.expr | None = None) -> str:
    """Return one parameter: `cells: int = 128`."""
    said = parameter.arg
    if parameter.annotation:
        said += f": {ast.unparse(parameter.annotation).strip(chr(39))}"
    return said if default is None else f"{said} = {ast.unparse(default)}"


def block(code: str) -> str:
    """Return code as a block of Markdown."""
    return f"```python\n{code}\n```\n\n"


def text(node: ast.FunctionDef | ast.ClassDef) -> str:
    """Return a docstring as paragraphs; what is indented in it is code."""
    parts = (ast.get_docstring(node) or "").split("\n\n")
    said = [block(textwrap.dedent(each)).rstrip() if each.startswith("    ") else each for each in parts]
    return "\n\n".join(said) + "\n\n"


def members(node: ast.FunctionDef | ast.ClassDef) -> Iterator[str]:
    """Yield the public attributes and methods of a class, in the order of the source."""
    body = node.body if isinstance(node, ast.ClassDef) else []
    for each, after in zip(body, [*body[1:], ast.Pass()], strict=False):
        if isinstance(each, ast.AnnAssign) and isinstance(after, ast.Expr):
            assert isinstance(after.value, ast.Constant)
            yield item(f"{ast.unparse(each.target)}: {ast.unparse(each.annotation)}", str(after.value.value))
        elif isinstance(each, ast.FunctionDef) and not each.name.startswith("_"):
            kinds = [ast.unparse(one) for one in each.decorator_list]
            returns = ast.unparse(each.returns) if each.returns else ""
            said = f"{each.name}: {returns}" if "property" in kinds else call(each, each.name)
            yield item(said, ast.get_docstring(each) or "")


def item(head: str, said: str) -> str:
    """Return an attribute or a method."""
    head = " ".join(head.split()).replace("( ", "(").replace(" )", ")")
    return f"- `{head}`  \n{textwrap.indent(inspect.cleandoc(said), '  ')}\n\n"


if __name__ == "__main__":
    made = page()
    if "--check" in sys.argv:
        sys.exit(made != PAGE.read_text(encoding="utf-8"))
    PAGE.write_text(made, encoding="utf-8")
