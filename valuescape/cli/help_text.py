"""Help texts with brackets in them: Typer reads markup, of which only `[bold]…[/]` is meant here."""

import inspect
import sys
from collections.abc import Sequence
from typing import Any

from rich.markup import escape
from typer.core import TyperGroup

from valuescape.cli.terminal import spell_what_cannot_be_encoded
from valuescape.invocation import note_arguments

_MARKUP = ("[bold]", "[/]")


class Commands(TyperGroup):
    """The group of all commands. Their help shows brackets, and its paragraphs fill the terminal's width."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for command in (self, *self.commands.values()):
            command.help = as_markup(command.help or "")
            for each in command.params:
                if text := getattr(each, "help", None):
                    each.help = as_markup(text)  # type: ignore[attr-defined]  # options and arguments have one

    def main(self, args: Sequence[str] | None = None, *others: Any, **options: Any) -> Any:
        """Run a command; note its arguments for reports, and spell characters that cannot be printed."""
        given = sys.argv[1:] if args is None else list(args)
        note_arguments(given)
        spell_what_cannot_be_encoded()
        return super().main(given, *others, **{"prog_name": "valuescape"} | options)


def as_markup(text: str) -> str:
    """Return a help text as markup of `rich`: brackets escaped, the lines of a paragraph joined."""
    paragraphs = inspect.cleandoc(text).split("\n\n")
    shown = escape("\n\n".join(each.replace("\n", " ") for each in paragraphs))
    for tag in _MARKUP:
        shown = shown.replace(escape(tag), tag)
    return shown
