"""One picture of a run and the engine behind it, which may change while frames go on."""

from typing import NamedTuple

from valuescape.render.view.viewer import Viewer
from valuescape.run.inspection import Inspection
from valuescape.run.restarting import keep_up
from valuescape.run.stage import Stage
from valuescape.sim.errors import UsageError


class Side(NamedTuple):
    """A stage, how it is looked at, and what is inspected there. An A/B run has two."""

    stage: Stage
    viewer: Viewer
    inspection: Inspection

    def ask(self) -> str:
        """Ask the engine for what was wished since the last call; return why it refuses, or ""."""
        try:
            self.stage.wishes.ask()
        except UsageError as error:
            return str(error)
        return ""

    def keep_up(self) -> bool:
        """Take over a change that took effect, with the agents that are there now.

        Returns whether there was one.
        """
        if not self.stage.keep_up():
            return False
        keep_up(self.viewer, self.stage)
        self.inspection.keep_up(self.viewer)
        return True
