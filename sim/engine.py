"""The engine: a crowd of agents stepping in shared memory, with worker processes or without."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from valuescape.sim.changes import EngineChange, Wanted, require_same_run
from valuescape.sim.changing import Changing
from valuescape.sim.config.files import Config
from valuescape.sim.crew.choose import CrewMaker, make_crew
from valuescape.sim.crew.worker_count import worker_count
from valuescape.sim.errors import UsageError
from valuescape.sim.formation import Formation, Kind
from valuescape.sim.plugins.loading import loads
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.reading import AgentEpisode, EpisodeStats
from valuescape.sim.running import Running

__all__ = ["SAME", "AgentEpisode", "Engine", "EngineChange", "EpisodeStats"]

_LOOK_S = 0.002
"""Interval at which `finish_change` goes on with a change."""


class _Same:
    """The value that names no checkpoint."""


SAME = _Same()
"""In the place of a checkpoint: the one that the engine has."""


class Engine(Running):
    """Agents stepping in an arena; a context manager that leaves no process and no memory behind.

    Another configuration may take the place of the present one while agents step: see `change`.
    """

    def __init__(
        self,
        config: Config,
        checkpoint: Checkpoint | None,
        *,
        given_actions: bool = False,
        autoreset: bool = True,
        crew: CrewMaker = make_crew,
        first_agent: int = 0,
    ) -> None:
        """Reserve the arena and start the workers, without waiting until they are ready.

        given_actions: agents do what `arena["given_action"]` says, [action_dim, agents] float32, clipped, in
        the world's units; the caller writes it and then calls `advance_to`, a tick at a time. What agents
        observe is then in `arena["obs"]`, or in `state` where that is the same. autoreset: False leaves
        agents whose episode ended to `restart` of `stepper()`. crew: returns the crew that makes the ticks.
        first_agent: number of the first agent, from which its randomness follows; the others count on.
        """
        super().__init__(config.sim.ticks_per_s)
        self._given_actions = given_actions
        self._changing = Changing(kind := Kind(given_actions, autoreset, crew, first_agent))
        self.formation = self._form(config, checkpoint, kind)
        try:
            self.formation.start()
            self.enter(self.formation)
            self._give(self._paced_from_now())
        except BaseException:
            self.close()
            raise

    def _form(self, config: Config, checkpoint: Checkpoint | None, kind: Kind) -> Formation:
        """Return the formation to begin with, whose arena is reserved."""
        formation = Formation(config, checkpoint, kind)
        formation.reserve(worker_count(config, checkpoint))
        return formation

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def check(self) -> None:
        """Replace dead workers, restart a clock that is too far ahead, and step if there are no workers.

        Also goes on with a change. To be called once a frame.
        """
        self._look_after()
        self._changing.check(self)

    def require_sound(self) -> None:
        """Raise WorkerFailedError if a worker raised an error and its tick has not been made since.

        To be called when a run ends: `check` waits before it tries again, and then says nothing yet.
        """
        if self._crew:
            self._crew.require_sound()

    def change(self, config: Config, checkpoint: Checkpoint | _Same | None = SAME) -> None:
        """Go on with another configuration from a tick boundary on; returns before that.

        Agents that stay keep state, episode and trail; new ones begin their episode 0. Calls of `check`
        complete it. `policy.exploration`, values of the world's parameters and a checkpoint whose policy has
        the same shapes are written while the workers rest for a moment. For all else that the engine reads,
        another arena and another crew are made ready beside those at work, and take over: `generation` then
        goes up, and `arena`, `world`, `rules` and all views of the arena are others. If that fails, the
        present ones stay at work, and `change_failed` says why.

        config: differs in nothing that would be another run (world, seed, axes of the map). While a change is
        under way, the newest other one waits. checkpoint: its object decides whether it is another. Raises
        UsageError, before anything is started, if agents cannot go on so.
        """
        asked = self._changing.asked(self)
        chosen = asked.checkpoint if isinstance(checkpoint, _Same) else checkpoint
        wanted = Wanted(config, chosen, loads())
        self.require_change(wanted)
        self._changing.want(wanted, self)

    def require_change(self, wanted: Wanted) -> None:
        """Raise UsageError if the engine can never go on so, whatever its agents do."""
        if self._given_actions:
            raise UsageError("an engine whose actions are given cannot change", "make another one")
        require_same_run(self.config, wanted.config)

    @property
    def asked(self) -> Wanted:
        """The configuration and the checkpoint that it will have once all changes have taken effect."""
        return self._changing.asked(self)

    @property
    def changing(self) -> bool:
        """Whether a change has not taken effect yet."""
        return self._changing.under_way

    @property
    def changes(self) -> list[EngineChange]:
        """The changes that took effect, oldest first, a new list; none are of settings that it never reads.

        Of a run with more than `KEPT_CHANGES` the newest; `changes_made` is their number.
        """
        return self.changes_since(0)

    @property
    def changes_made(self) -> int:
        """How many changes took effect."""
        return self._changing.made.count

    def changes_since(self, seen: int) -> list[EngineChange]:
        """Return the changes after the first `seen`, as far as they are kept."""
        return self._changing.made.since(seen)

    @property
    def change_failed(self) -> str:
        """Why the newest change that failed did; "" if none has since this was last read."""
        failed, self._changing.failed = self._changing.failed, ""
        return failed

    def finish_change(self, check: Callable[[], None] = lambda: None) -> None:
        """Wait until no change is under way: each took effect, or is in `change_failed`.

        check: called meanwhile; what it raises ends the waiting. Ticks go on as ordered.
        """
        while self.changing:
            check()
            self.check()
            time.sleep(_LOOK_S)

    def close(self) -> None:
        """End the workers and free the arena, within a few seconds whatever the workers do."""
        self._changing.close()
        self._crew = None
        if "_ticks" in vars(self):
            del self._ticks
        self.formation.close()
