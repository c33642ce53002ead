"""The list of all settings, for the terminal and as docs/configuration.md."""

import difflib
import json
from itertools import groupby

from valuescape.cli.terminal import Terminal
from valuescape.sim.config.complaints import expectation
from valuescape.sim.config.model import Config, SettingField, section_class, settings_of
from valuescape.sim.errors import UsageError


def show_settings(console: Terminal, section: str | None) -> None:
    """Print each setting of one section, or of all: key, default, meaning, unit, and when a change applies.

    Raises UsageError if there is no such section.
    """
    sections = Config.model_fields
    if section is not None and section not in sections:
        near = difflib.get_close_matches(section, sections, n=1)
        hint = f"did you mean {near[0]}?" if near else f"sections: {', '.join(sections)}"
        raise UsageError(f"{section!r} is no section of the configuration", hint)
    for name, settings in groupby(settings_of().values(), key=lambda each: each.section):
        if section not in (None, name):
            continue
        console.say((f"[{name}]", "bold"), f"  {section_class(name).__doc__ or ''}")
        for setting in settings:
            console.say(
                f"  {setting.key} = {json.dumps(setting.default)}  ", (f"# {_comment(setting)}", "dim")
            )


def _comment(setting: SettingField) -> str:
    return f"{setting.meaning}; {setting.declared.applies}"


def settings_markdown() -> str:
    """Return every setting as the tables of docs/configuration.md."""
    lines = [
        "# Configuration",
        "",
        "Every setting, as `valuescape settings --markdown` prints it. In a file: `[section]`,",
        "then `key = value`; on the command line: `--set section.key=value`. *Live*: a key, the panel",
        "or a saved file ([live.md](live.md)) changes it while a run goes on. *Restart*: with a new",
        "value the run begins anew, in the same view. *Next start*: it is read when the program starts.",
    ]
    for name, settings in groupby(settings_of().values(), key=lambda each: each.section):
        lines += ["", f"## {name}", "", section_class(name).__doc__ or "", ""]
        lines += ["| key | default | unit | may be | change | meaning |", "|---|---|---|---|---|---|"]
        lines += [_row(setting) for setting in settings]
    return "\n".join(lines) + "\n"


def _row(setting: SettingField) -> str:
    cells = (
        f"`{setting.key}`",
        f"`{json.dumps(setting.default)}`",
        setting.declared.unit or "",
        expectation(setting),
        setting.declared.applies,
        setting.field.description or "",
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
