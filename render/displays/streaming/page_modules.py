"""The modules of JavaScript that all pages share: to be served, or written into another module."""

import re
from collections.abc import Mapping
from importlib.resources import files

_IMPORT = re.compile(r'^import \{ ([\w, ]+) \} from "\./(\w+\.js)";$', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async function|function|class|const) (\w+))", re.MULTILINE)
_LEFT = re.compile(r"^(?:import|export)\b", re.MULTILINE)


def shared_modules() -> dict[str, str]:
    """Return the texts of the modules by their names, as "outbox.js". They import nothing."""
    folder = files("valuescape.render.displays.streaming").joinpath("static")
    return {each.name: each.read_text(encoding="utf-8") for each in folder.iterdir()}


def joined(script: str, modules: Mapping[str, str]) -> str:
    """Return a module with those that it imports written into it, each in a scope of its own.

    For loaders that take one module without a folder beside it, as that of anywidget. Imports are whole lines
    of the form `import { A, B } from "./name.js";`. Raises ValueError for any other form, and KeyError for a
    module that is not there.
    """
    whole = _IMPORT.sub(lambda found: f"const {{ {found[1]} }} = {_scope(found[2], modules)};", script)
    if re.search(r"^import\b", whole, re.MULTILINE):
        raise ValueError("the script has an import that is not { … } from a module beside it")
    return whole


def _scope(name: str, modules: Mapping[str, str]) -> str:
    """Return an expression that gives what a module exports."""
    text = modules[name]
    exported, inside = _EXPORT.findall(text), _EXPORT.sub("", text)
    if _LEFT.search(inside):
        raise ValueError(
            f"{name}: a shared module imports nothing, and exports functions, classes and constants"
        )
    return f"(() => {{\n{inside}\nreturn {{ {', '.join(exported)} }};\n}})()"
