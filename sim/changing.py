"""Brings changes of a running engine about: at rest, or by a succession."""

from valuescape.sim.changes import ChangeLog, EngineChange, Wanted, Way, tuned, way_between
from valuescape.sim.crew.failures import WorkerFailedError
from valuescape.sim.errors import UsageError
from valuescape.sim.formation import Formation, Kind
from valuescape.sim.running import Running
from valuescape.sim.succession import Succession
from valuescape.sim.worlds import with_parameters

_REST_S = 0.02
"""The longest that a change keeps a frame waiting for the workers to come to one tick."""


class Changing:
    """The changes of an engine that are wanted and have not taken effect.

    A change at rest comes first; it does not wait for a succession. One succession is under way at a time. It
    is not broken off by another that is wanted meanwhile: the newest of those waits, and replaces the rest.
    """

    def __init__(self, kind: Kind) -> None:
        self.made = ChangeLog()
        self.failed = ""
        self._kind = kind
        self._tuned: Wanted | None = None  # to hold from the next rest on
        self._succession: Succession | None = None
        self._waiting: Wanted | None = None
        self._leaving: list[Formation] = []

    @property
    def under_way(self) -> bool:
        """Whether any change has not taken effect."""
        return bool(self._tuned or self._succession or self._waiting)

    def asked(self, running: Running) -> Wanted:
        """Return what the engine will be when all changes have taken effect."""
        return self._waiting or self._goal(running)

    def want(self, wanted: Wanted, running: Running) -> None:
        """Have the engine go on as `wanted`. Raises UsageError if that cannot be; nothing changes then."""
        before, self._waiting = self._waiting, wanted
        try:
            self._begin(running)
        except BaseException:
            self._waiting = before
            raise

    def check(self, running: Running) -> None:
        """Go on with all that is under way; called once a frame, and bounded."""
        if self._tuned and running.come_to_rest(_REST_S):
            self._tune(running, self._tuned)
        if self._succession and not self._tuned:
            self._go_on(running, self._succession)
        if self._leaving:
            self._leaving = [each for each in self._leaving if not each.leave()]

    def close(self) -> None:
        """Give up what is under way, and end what was left behind."""
        if self._succession:
            self._leaving.append(self._succession.leave())
        for formation in self._leaving:
            formation.close()
        self._succession = self._waiting = self._tuned = None
        self._leaving.clear()

    def _goal(self, running: Running) -> Wanted:
        """Return what the engine will be without what waits."""
        return self._succession.wanted if self._succession else self._tuned or _present(running)

    def _begin(self, running: Running) -> None:
        """Begin with what waits, if it can be begun beside what is under way."""
        wanted = self._waiting
        if wanted is None:
            return
        way = way_between(self._goal(running), wanted)
        if way is Way.SUCCESSION and not self._succession:
            self._waiting = None
            self._succession = Succession(running.formation, wanted, self._kind)
        elif way is not Way.SUCCESSION:
            self._waiting = None
            self._tune_soon(running, wanted)

    def _tune_soon(self, running: Running, wanted: Wanted) -> None:
        """Have the numbers of `wanted` hold soon, now and in the formation that is under way.

        Those that only that one's world can have come with it. Raises UsageError if no world can have them.
        """
        present = _present(running)
        soon = tuned(present, wanted)
        if self._succession:
            self._succession.retune(wanted)
        try:
            with_parameters(running.world, soon.config)
        except UsageError:
            if self._succession:
                return
            raise
        if way_between(present, soon) is Way.AT_REST:
            self._tuned = soon
        else:
            self._tuned = None
            running.config = running.formation.config = soon.config
            running.resume()

    def _tune(self, running: Running, wanted: Wanted) -> None:
        """Write the numbers of `wanted` while all workers are at one tick."""
        self.made.add(EngineChange(running.newest_tick, wanted.config))
        self._tuned = None
        running.tune(wanted.config, wanted.checkpoint)
        running.resume()

    def _go_on(self, running: Running, succession: Succession) -> None:
        """Prepare the succession further; when it is ready, rest and let it take over."""
        try:
            ready = succession.is_ready(running.newest_tick)
        except (UsageError, WorkerFailedError, OSError) as error:
            self._give_up(running, error)
            return
        if not ready:  # or no longer, as one of its workers died: the present ones go on meanwhile
            running.resume()
        elif running.come_to_rest(_REST_S):
            self._take_over(running, succession)

    def _take_over(self, running: Running, succession: Succession) -> None:
        """Go on with the formation of `succession` from the tick at which the present one rests."""
        before, tick = running.formation, running.newest_tick
        after = succession.take_over(tick)
        self._leaving.append(before)
        self._succession = None
        rows = min(before.arena.layout.state_rows, after.arena.layout.state_rows)
        running.enter(after, first_row=max(0, tick + 1 - rows))
        running.resume()
        self.made.add(EngineChange(tick, after.config))
        self._begin_next(running)

    def _give_up(self, running: Running, error: Exception) -> None:
        """Leave the present formation at work, and keep what is to be said of the other."""
        assert self._succession
        self._leaving.append(self._succession.leave())
        self._succession = None
        self.failed = str(error)
        running.resume()
        self._begin_next(running)

    def _begin_next(self, running: Running) -> None:
        try:
            self._begin(running)
        except UsageError as error:
            self.failed = str(error)


def _present(running: Running) -> Wanted:
    """Return the present formation."""
    return Wanted(running.config, running.checkpoint, running.formation.plugins)
