"""Runs the notebooks of this folder, and keeps their outputs as pictures that are shown without a kernel.

`python examples/notebooks/execute.py [NAME …]` writes the notebooks anew. Of outputs that have a still
picture beside the widget, the picture is kept alone: a page without a kernel has nothing to connect the
widget to.
"""

import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).parent
NOT_KEPT = ("application/vnd.jupyter.widget-view+json", "image/jpeg")
"""Kinds of output that are left out where there is a PNG."""

TIMEOUT_S = 300


def executed(path: Path, folder: Path) -> Any:
    """Return a notebook with the outputs of a new kernel in `folder`. Raises CellExecutionError."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=TIMEOUT_S,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        store_widget_state=False,
        record_timing=False,
    )
    return client.execute()


def without_widgets(notebook: Any) -> Any:
    """Return the notebook with pictures in the place of widgets."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                for kind in NOT_KEPT:
                    output["data"].pop(kind, None)
    notebook.metadata.pop("widgets", None)
    notebook.metadata["language_info"] = {"name": "python"}
    return notebook


def main() -> None:
    """Run the notebooks that are named, or all."""
    for name in sys.argv[1:] or sorted(path.stem for path in HERE.glob("*.ipynb")):
        path = HERE / f"{name}.ipynb"
        nbformat.write(without_widgets(executed(path, HERE)), path)
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
