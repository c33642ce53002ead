"""The trainer's side: `publish` begins a training run's publication, and `Publisher.update` renews it."""

import os
import socket
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from valuescape.publishing.history import free_folder
from valuescape.publishing.layout import Statement
from valuescape.publishing.outlet import Outlet
from valuescape.publishing.place import checked_name
from valuescape.publishing.plan import Arrays, Moved, Plan
from valuescape.publishing.voice import Voice
from valuescape.publishing.worlds import world_of
from valuescape.sim.policy.formats.native import tensors_of
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.worlds import World


class Publisher:
    """A training run that viewers can attach to; made by `publish`.

    `update` takes no lock and waits for nobody. A context manager; without one, the publication ends with
    Python. In a forked child it does nothing. Not for use by two threads at once.
    """

    def __init__(self, name: str, world: World, history: Path | None) -> None:
        """Raises UsageError if the name is in use or is none, or if there is no room."""
        self.name = checked_name(name)
        self.world = world
        self.history = history
        """The folder of the run's history, which is made with the first update; None if none is kept."""
        self._voice = Voice(self.name)
        self._outlet = Outlet(self._statement(), self._voice)

    @property
    def sent(self) -> int:
        """How many updates were published, without those that came too soon after another."""
        return self._outlet.sent

    def update_from(self, checkpoint: Checkpoint, step: int, **numbers: float) -> None:
        """Publish a checkpoint, as a loader of any format returns it. Otherwise as `update`."""
        plan = Plan(checkpoint, self.name)
        outlet = self._outlet
        if outlet.plan is None:
            outlet.begin(plan)
        elif outlet.plan.networks.shapes != plan.networks.shapes:
            self._voice.say("shapes", self._changed(step))
            return

        def fill(arrays: Arrays) -> None:
            for name, tensor in tensors_of(checkpoint, Path(self.name)).items():
                arrays[name][...] = tensor

        moved = Moved(checkpoint.reward_normalization, checkpoint.entropy_coefficient, dict(numbers))
        outlet.send(fill, step, moved)

    def close(self) -> None:
        """End the publication: viewers are told, and nothing stays in memory. Twice is harmless."""
        self._outlet.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _changed(self, step: int) -> str:
        return (
            f"the networks of step {step} have other shapes than those of the first update: not published; "
            "publish them under another name"
        )

    def _statement(self) -> Statement:
        folder = "" if self.history is None else str(self.history)
        return Statement(self.name, self.world.name, folder, os.getpid(), socket.gethostname(), time.time())


def publish(name: str, *, world: Any, history: Path | str | None = "auto", quiet: bool = False) -> Publisher:
    """Publish a training run as `name`, and say on the standard error how to watch it."""
    folder = free_folder(name) if history == "auto" else history
    run = Publisher(name, world_of(world), None if folder is None else Path(folder).absolute())
    if not quiet:
        sys.stderr.write(f"valuescape: watch this training run with: valuescape attach {run.name}\n")
    return run
