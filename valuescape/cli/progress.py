"""The progress bar of all commands."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from functools import partial

from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from valuescape.cli.terminal import err

Update = Callable[..., None]
"""Takes `state`, a text beside the bar, and `completed`, `advance` or `total`, as `rich` has them."""


@contextlib.contextmanager
def progress_bar(what: str = "", total: float | None = None, *, hidden: bool = False) -> Iterator[Update]:
    """Show a bar on standard error while inside; yields the function that moves it.

    what: the work, in a word; a spinner stands for none. total: the amount that is the whole, None while that
    is unknown. The bar is shown in a terminal alone, and disappears at the end.
    """
    name = TextColumn("{task.description}") if what else SpinnerColumn()
    state = TextColumn("{task.percentage:>3.0f} %"), TextColumn("{task.fields[state]}", markup=False)
    times = TimeElapsedColumn(), TimeRemainingColumn()
    off = hidden or not err.is_terminal
    columns = name, BarColumn(), *state, *times
    prints = sys.stdout.isatty()
    with Progress(*columns, console=err, transient=True, disable=off, redirect_stdout=prints) as bar:
        yield partial(bar.update, bar.add_task(what, total=total, state=""))
