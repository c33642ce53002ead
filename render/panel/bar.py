"""The buttons of the panel's top, which stay in view: undo, redo, reset, presets, drafts."""

from collections.abc import Callable
from typing import Any

from valuescape.render.panel.described import Field, Press
from valuescape.render.panel.form import Form
from valuescape.render.panel.special import request_button
from valuescape.render.view.changes import Request, SavePreset

SEARCH_HINT = "search settings"
SAVE_TIP = "save the settings as a preset: a file that `valuescape run` starts"
FIRST_NAME = "mine"
"""The name of a preset that is to be saved, until another is typed."""


def past_buttons(form: Form) -> tuple[Press, ...]:
    """Return the buttons that undo, redo and reset changes, grey if there is nothing to do."""
    past = form.standing.past
    said = (
        (Request.UNDO, past.undo, f"undo: {past.undo} (Ctrl Z)"),
        (Request.REDO, past.redo, f"do again: {past.redo} (Ctrl Y)"),
        (Request.RESET, past.changed, f"reset to their first values: {past.changed}"),
    )
    return tuple(
        request_button(
            form, request, on=bool(can), beside=request is not Request.UNDO, tip=tip if can else ""
        )
        for request, can, tip in said
    )


def saving_fields(form: Form) -> tuple[Field, Field]:
    """Return a field for each folder that a preset can be saved in; its value is the preset's name."""

    def saves(here: bool) -> Callable[[Any], None]:
        return lambda name: form.ask(SavePreset(name, here))

    return (
        Field(name="save in run's folder", label="run's folder", value=FIRST_NAME, take=saves(False)),
        Field(name="save in current folder", label="current folder", value=FIRST_NAME, take=saves(True)),
    )


def draft_buttons(form: Form) -> tuple[Press, Press]:
    """Return the buttons that restart the run with the drafts, or drop them.

    Without drafts they are grey rather than absent, so that nothing moves under the pointer.
    """
    some = bool(form.drafts)
    tip = "restart with: " + ", ".join(form.drafts) if some else ""
    return (
        Press(
            name="restart with drafts",
            label="restart with these",
            take=lambda _: form.restart(),
            on=some,
            tip=tip,
        ),
        Press(name="drop drafts", label="drop", take=lambda _: form.drafts.clear(), on=some, beside=True),
    )
