"""The kernel that a notebook's cells run in: which cell runs now, and the views that cells have opened."""

import atexit
import weakref
from collections.abc import Callable
from typing import Any, Protocol


class Closes(Protocol):
    """What a cell has opened."""

    def close(self) -> None:
        """End it."""


class Kernel:
    """Ends what a cell has opened when that cell is run again, or the process ends.

    shell: IPython's; None outside of it, where only the end of the process counts.
    """

    def __init__(self, shell: Any | None) -> None:
        self._shell = shell
        self._running = 0
        self._cell: str | None = None
        self._opened: list[tuple[str | None, weakref.ref[Closes]]] = []
        if shell is not None:
            shell.events.register("pre_run_cell", self._begin)
            shell.events.register("post_run_cell", self._end)
            self._running, self._cell = 1, _cell_of(shell)  # the cell that is the first to ask
        atexit.register(self.close_all)

    @property
    def answering(self) -> bool:
        """Whether messages of pages arrive now. Those of most front ends do not while a cell runs."""
        return not self._running

    def opened(self, view: Closes) -> None:
        """Note what the running cell has opened. It is not kept alive by that."""
        self._opened = [(cell, each) for cell, each in self._opened if each() is not None]
        self._opened.append((self._cell, weakref.ref(view)))

    def close_all(self) -> None:
        """End everything that cells have opened."""
        self._close(lambda _: True)

    def _begin(self, info: Any = None) -> None:
        self._running = 1
        self._cell = getattr(info, "cell_id", None)
        if self._cell is not None:
            self._close(lambda cell: cell == self._cell)

    def _end(self, _result: Any = None) -> None:
        self._running = 0

    def _close(self, which: Callable[[str | None], bool]) -> None:
        chosen = [(cell, each) for cell, each in self._opened if which(cell)]
        self._opened = [each for each in self._opened if each not in chosen]
        for _, each in chosen:
            view = each()
            if view is not None:
                view.close()


def _cell_of(shell: Any) -> str | None:
    """Return the identifier of the cell that runs now; None if the front end gives none."""
    parent = shell.get_parent() if hasattr(shell, "get_parent") else {}
    cell = parent.get("metadata", {}).get("cellId") if isinstance(parent, dict) else None
    return cell if isinstance(cell, str) else None


_kernels: list[Kernel] = []


def this_kernel() -> Kernel:
    """Return the kernel of this process, the same one each time."""
    if not _kernels:
        _kernels.append(Kernel(_shell()))
    return _kernels[0]


def _shell() -> Any | None:
    try:
        from IPython.core.getipython import get_ipython
    except ModuleNotFoundError:
        return None
    return get_ipython()
