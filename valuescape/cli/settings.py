"""Every setting, as the command line lists them."""

import difflib
import json

from valuescape.cli.terminal import Terminal
from valuescape.sim.config.files import LIVE, Config, expectation
from valuescape.sim.errors import UsageError


def show_settings(console: Terminal, section: str | None) -> None:
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
        console.say((f"[{name}]", "bold"), f"  {type(values).__doc__ or ''}")
        for key, info in type(values).model_fields.items():
            default = repr(getattr(values, key)).replace("'", '"')
            console.say(f"  {key} = {default}  ", (f"# {info.description or ''}", "dim"))


def settings_markdown() -> str:
    """Return every setting as the tables of docs/configuration.md."""
    lines = [
        "# Configuration",
        "",
        "Every setting, as `valuescape settings --markdown` prints it. In a file: `[section]`,",
        "then `key = value`; on the command line: `--set section.key=value`. *Live*: a key or the",
        "panel changes it while a run goes on; with the others a run begins anew.",
    ]
    defaults = Config()
    for name in Config.model_fields:
        values = getattr(defaults, name)
        lines += ["", f"## {name}", "", type(values).__doc__ or "", ""]
        lines += ["| key | default | may be | live | |", "|---|---|---|---|---|"]
        for key, info in type(values).model_fields.items():
            default = json.dumps(getattr(values, key))
            live = "yes" if f"{name}.{key}" in LIVE else ""
            cells = f"`{key}`", f"`{default}`", expectation(name, key), live, info.description or ""
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"
