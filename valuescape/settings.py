"""Every setting, as the command line lists them."""

import difflib

from rich.console import Console
from rich.markup import escape

from sim.config import Config
from sim.errors import UsageError


def show_settings(console: Console, section: str | None) -> None:
    """Print section.key = default and the meaning of each setting, of one section or of all.

    Raises UsageError if there is no such section.
    """
    sections = Config.model_fields
    if section is not None and section not in sections:
        near = difflib.get_close_matches(section, sections, n=1)
        hint = f"did you mean {near[0]}?" if near else f"sections: {', '.join(sections)}"
        raise UsageError(f"{section!r} is no section of the configuration", hint)
    defaults = Config()
    for name in [section] if section else sections:
        values = getattr(defaults, name)
        console.print(f"[bold]\\[{name}][/]  {escape(type(values).__doc__ or '')}", soft_wrap=True)
        for key, info in type(values).model_fields.items():
            default = escape(repr(getattr(values, key)).replace("'", '"'))
            console.print(f"  {key} = {default}  [dim]# {escape(info.description or '')}[/]", soft_wrap=True)
