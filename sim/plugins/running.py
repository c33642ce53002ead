"""Runs a Python file of the user's own as a module, and names the line at which it fails."""

import difflib
import hashlib
import importlib
import importlib.machinery
import importlib.util
import os
import re
import sys
import traceback
from pathlib import Path
from types import CodeType, ModuleType

from valuescape.sim.errors import UsageError
from valuescape.sim.paths import named_path, read_plain, require_plain
from valuescape.sim.plugins.scan import DECORATORS, FRONT_DOOR

_MOST_BYTES = 4 * 2**20
_OLD_WAY = "write `from valuescape.api import …` in place of `from sim.worlds` and `from sim.elementwise`"
_BARE = re.compile(r"(\w+)\(\) takes 0 positional arguments")  # @panel in place of @panel()


def python_file(path: Path | str, where: str) -> tuple[Path, bytes]:
    """Return the full path and the content of a Python file.

    where: the beginning of messages. Raises UsageError unless it is a plain file named *.py.
    """
    found = named_path(str(path), where).resolve()
    require_plain(found, "name a Python file, *.py", where=where)
    if found.suffix != ".py":
        raise UsageError(f"{where}: expected a Python file, named *.py")
    return found, read_plain(found, _MOST_BYTES)


def run_file(path: Path, content: bytes, where: str, guide: str) -> ModuleType:
    """Run `content` as the module of the file at `path`; it stays in sys.modules under a name of its own.

    The file can import modules beside it, as a script can; their folder comes last on the path, so that they
    hide no other modules. content: of the file when it was read. The file may be edited later: workers that
    start then run the same content. guide: the hint of errors. Raises UsageError, with the line, for
    everything that the file raises.
    """
    name = f"valuescape_plugin_{path.stem}_{hashlib.sha256(os.fsencode(path)).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(name, path, loader=_Content(name, str(path), content))
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    try:
        spec.loader.exec_module(module)
    except UsageError as error:
        del sys.modules[name]
        said = str(error.args[0])
        raise UsageError(said if said.startswith(where) else f"{where}: {said}", error.hint) from error
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise UsageError(f"{where}: {place_of(error, path)}", hint_of(error, guide)) from error
    return module


def run_module(name: str, path: Path, content: bytes, where: str) -> ModuleType:
    """Run `content` as the module `name`, whose file is at `path`; it can be imported by that name.

    The packages that it is in are imported first. Raises UsageError as `run_file` does.
    """
    try:
        parent = importlib.import_module(name.rpartition(".")[0]) if "." in name else None
        folders = [str(path.parent)] if path.name == "__init__.py" else None
        loader = _Content(name, str(path), content)
        spec = importlib.util.spec_from_file_location(
            name, path, loader=loader, submodule_search_locations=folders
        )
        assert spec
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        loader.exec_module(module)
    except (Exception, SystemExit) as error:
        sys.modules.pop(name, None)
        raise UsageError(f"{where}: {place_of(error, path)}", hint_of(error, "")) from error
    if parent is not None:
        setattr(parent, name.rpartition(".")[2], module)
    return module


def hint_of(error: BaseException, guide: str) -> str:
    """Return what to do about an error that a source raised. guide: the hint if nothing better is known."""
    if _imports_the_old_way(error):
        return _OLD_WAY
    if isinstance(error, SyntaxError | ModuleNotFoundError):
        return ""
    if isinstance(error, ImportError) and error.name == FRONT_DOOR:
        names = getattr(sys.modules.get(FRONT_DOOR), "__all__", ())
        near = difflib.get_close_matches(_asked_for(error), names, n=1)
        return f"did you mean {near[0]}?" if near else guide
    if isinstance(error, ImportError) and "no known parent package" in str(error):
        return "a file by itself is in no package; from the folder above it: --world package.module:Class"
    bare = _BARE.match(str(error)) if isinstance(error, TypeError) else None
    return f"write @{bare[1]}(…)" if bare and bare[1] in DECORATORS else guide


def _asked_for(error: ImportError) -> str:
    """Return the name that an import did not find in a module; "" if the error names none."""
    found = re.match(r"cannot import name '(\w+)'", str(error))
    return found[1] if found else ""


def place_of(error: BaseException, path: Path | str) -> str:
    """Describe the error, with the last line of the file that it came through."""
    lines = [
        frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)
    ]
    line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else None
    said = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{f'line {line}: ' if line else ''}{type(error).__name__}: {said}"


class _Content(importlib.machinery.SourceFileLoader):
    """Loads a module from bytes that were read before, and writes no byte code."""

    def __init__(self, name: str, path: str, content: bytes) -> None:
        super().__init__(name, path)
        self._content = content

    def get_data(self, path: str) -> bytes:
        """Return the bytes of the module; of another file, what is there."""
        return self._content if path == self.path else super().get_data(path)

    def get_code(self, fullname: str) -> CodeType:
        """Return the code, compiled from the bytes."""
        code: CodeType = self.source_to_code(self._content, self.path)
        return code


def _imports_the_old_way(error: BaseException) -> bool:
    """Return whether an import of `sim`, at the top level, or of something in it failed.

    If the user has a folder `sim`, that is what is found, and it has no module `sim.worlds`.
    """
    name = error.name or "" if isinstance(error, ImportError) else ""
    return name == "sim" or name.startswith("sim.")
