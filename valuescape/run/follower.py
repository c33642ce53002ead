"""The contract of what follows a training run while it is shown: a run asks it once a frame."""

from typing import Any, Protocol

from valuescape.run_state import Training


class Follower(Protocol):
    """Brings the checkpoints of a training run into a run that shows them."""

    def look(self) -> None:
        """Wish for what is new; called in every frame before the engine goes on, and never waits."""

    def note_shown(self) -> None:
        """Note that a frame was shown."""

    def go_live(self) -> str:
        """Show the newest checkpoint, and those to come; return what is to be said of it."""

    def training(self) -> Training:
        """Return the training run as it is now."""

    def report(self) -> dict[str, Any]:
        """Return the entry of the training run in the report."""
