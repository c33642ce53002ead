"""Tables for the terminal; words and numbers stay whole at any width."""

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from valuescape.cli.terminal import Terminal, spelled

Cell = str | Text
Row = Sequence[Cell]

_FIGURE = re.compile(r"[-+−]?\d[\d.,]*(%| [kMG]\b)?( (±|\+-) [\d.,]+)?")
"""A number with its unit and its error, which stay on one line."""

_UNBROKEN = "\u00a0"


@dataclass(frozen=True, slots=True)
class Column:
    """The widths of a column: `least` keeps words and figures whole, `natural` keeps cells on one line."""

    least: int
    natural: int
    figures: bool

    @classmethod
    def of(cls, head: Text, cells: Sequence[Text]) -> "Column":
        """Return the widths of a column from its heading and cells."""
        least = max(_least(each) for each in (head, *cells))
        figures = bool(cells) and all(_FIGURE.fullmatch(each.plain) or each.plain in "-–" for each in cells)
        return cls(least, max(head.cell_len, *(each.cell_len for each in cells), 1), figures)


def say_rows(console: Terminal, rows: Sequence[Row], *, keys: int = 1, title: str = "") -> None:
    """Print a table; the first row is its heading.

    If it is too wide, the table continues below, with its first `keys` columns repeated. A line separates
    rows whose first cells differ, if any rows share theirs.
    """
    texts = [[_text(cell, console.encoding) for cell in row] for row in rows]
    columns = [Column.of(head, cells) for head, *cells in zip(*texts, strict=True)]
    for part in parts([each.least for each in columns], console.width, keys):
        widths = _widths([columns[index] for index in part], console.width)
        console.print(_table(texts, part, columns, widths, title), soft_wrap=False)


def parts(least: Sequence[int], width: int, keys: int) -> list[list[int]]:
    """Return column indices for each part of a table: as few parts as possible, of about equal width.

    Each part begins with the `keys` first columns. least: the width that each column needs.
    """
    width = min(width, _whole(least))  # that of a pipe is without end
    found = _filled(least, width, keys)
    while width > 1 and len(narrower := _filled(least, width - 1, keys)) == len(found):
        found, width = narrower, width - 1
    return found


def _filled(least: Sequence[int], width: int, keys: int) -> list[list[int]]:
    """Return parts of which each is filled before the next begins."""
    found = [list(range(keys))]
    for index in range(keys, len(least)):
        if len(found[-1]) > keys and _whole([least[each] for each in [*found[-1], index]]) > width:
            found.append(list(range(keys)))
        found[-1].append(index)
    return found


def _whole(widths: Sequence[int]) -> int:
    """Return the width of a table, with a border and a space on both sides of each column."""
    return sum(widths) + 3 * len(widths) + 1


def _widths(columns: Sequence[Column], width: int) -> list[int]:
    """Return natural widths; if they are too much together, the widest columns are narrowed first."""
    cap = max(each.natural for each in columns)
    while True:
        widths = [max(min(each.natural, cap), each.least) for each in columns]
        if cap <= 1 or _whole(widths) <= width:
            return widths
        cap -= 1


def _table(
    rows: Sequence[Sequence[Text]],
    part: Sequence[int],
    columns: Sequence[Column],
    widths: Sequence[int],
    title: str,
) -> Table:
    table = Table(title=title or None, title_justify="left", title_style="bold")
    head, *body = rows
    for index, width in zip(part, widths, strict=True):
        justify = "right" if columns[index].figures else "left"
        heading = _wrapped(head[index], width)
        table.add_column(heading, justify=justify, width=width, overflow="fold")  # type: ignore[arg-type]
    grouped = len({row[0].plain for row in body}) < len(body)
    for row, following in zip(body, [*body[1:], head], strict=True):
        end = grouped and row[0].plain != following[0].plain
        cells = (_wrapped(row[index], width) for index, width in zip(part, widths, strict=True))
        table.add_row(*cells, end_section=end)
    return table


def _text(cell: Cell, encoding: str) -> Text:
    if isinstance(cell, str):
        return Text(spelled(cell, encoding))
    return Text(spelled(cell.plain, encoding), style=cell.style)


def _unbroken(text: str) -> str:
    """Return `text` with no-break spaces inside its figures."""
    return _FIGURE.sub(lambda found: found[0].replace(" ", _UNBROKEN), text)


def _least(text: Text) -> int:
    """Return the width of the longest word or figure."""
    return max((len(word) for word in _unbroken(text.plain).split(" ")), default=0) or 1


def _wrapped(text: Text, width: int) -> Text:
    """Return the lines of a cell."""
    lines = textwrap.wrap(_unbroken(text.plain), width, break_on_hyphens=False)
    return Text("\n".join(lines).replace(_UNBROKEN, " "), style=text.style)
