"""The card of a training run that is followed: where it is, and numbers over its steps."""

from valuescape.render.overlay.cards import Card
from valuescape.run_state import RunState, Training


def training_card(state: RunState) -> Card | None:
    """Return a card of the training run; None if none is followed."""
    training, place = state.training, state.place
    if training is None:
        return None
    acting = place.own_steps if place else training.newest
    rows = (("steps", _steps(training, acting)), *training.numbers)
    return Card(
        f"{training.name} · {said_of(training)}",
        rows,
        note=training.note,
        curves=training.curves,
        steps=float(acting) if training.curves else None,
    )


def said_of(training: Training) -> str:
    """Return in a word or two what is shown of a training run."""
    if not training.watching:
        return "a look back (End: live)"
    return "live" if training.alive else "no more updates"


def _steps(training: Training, acting: int) -> str:
    return f"{acting:,}" if training.watching else f"{acting:,} of {training.newest:,}"
