"""The contract between an analysis and the processes that make its parts, and a stub in this process."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from valuescape.analysis.spread.parts import Job, Made, Part, PartMaker
from valuescape.sim.crew.failures import Failure


@dataclass(frozen=True, slots=True)
class Lost:
    """A part whose process is gone. why: how it ended, and where, as a sentence's end."""

    why: str


@dataclass(frozen=True, slots=True)
class Raised:
    """A part that raised. where: the node."""

    failure: Failure
    where: str


Outcome = Made | Lost | Raised


class Hands(Protocol):
    """Processes that make parts, each one part at a time.

    They may come and go; the number of one is not used for another.
    """

    @property
    def count(self) -> int:
        """Processes that are there or expected soon: into how many parts work is best divided."""

    def begin(self, job: Job) -> None:
        """Let parts that are given from now on be of `job`; none is at work."""

    def idle(self) -> Sequence[int]:
        """Return the numbers of processes that wait for a part; brings up more if some are missing."""

    def give(self, hand: int, part: Part) -> None:
        """Let an idle process make a part."""

    def wait(self, seconds: float) -> Sequence[tuple[int, Outcome]]:
        """Return what became of parts that were given, each once; waits so long at most if none is done."""

    def shares(self) -> Sequence[float]:
        """Return how far each part at work is, 0 to 1, as it was a moment ago."""

    def stop(self) -> None:
        """Ask the processes at work to end their parts soon; `wait` gives what is there."""

    def end(self) -> None:
        """End all processes at once, with their parts; the next job gets others."""

    def close(self) -> None:
        """End all processes for good. May be called again."""


@dataclass
class StubHands:
    """Makes each part in this process when it is waited for; the specification of `Hands`.

    ends: of each part that is given, by its place in the order, how it fails: a `Lost` or `Raised`; others
    are made. The hand of a lost part is gone, and another one comes in its place.
    """

    count: int
    ends: dict[int, Lost | Raised] = field(default_factory=dict)
    given: list[Part] = field(default_factory=list)
    _maker: PartMaker | None = None
    _at_work: dict[int, Part] = field(default_factory=dict)
    _hands: list[int] = field(default_factory=list)
    _next: int = 0
    _stopped: bool = False

    def begin(self, job: Job) -> None:
        """Take a job."""
        self.close()
        self._stopped = False
        self._maker = PartMaker(job)

    def idle(self) -> list[int]:
        """Return the hands without a part."""
        while len(self._hands) < self.count:
            self._hands.append(self._next)
            self._next += 1
        return [hand for hand in self._hands if hand not in self._at_work]

    def give(self, hand: int, part: Part) -> None:
        """Note a part."""
        assert hand in self.idle()
        self._at_work[hand] = part

    def wait(self, seconds: float) -> list[tuple[int, Outcome]]:
        """Make one part that was given: the last one, so that parts come back in another order."""
        if not self._at_work:
            return []
        hand, part = self._at_work.popitem()
        self.given.append(part)
        outcome: Outcome | None = self.ends.get(len(self.given) - 1)
        if isinstance(outcome, Lost):
            self._hands.remove(hand)
        if outcome is None:
            assert self._maker
            outcome = self._maker.make(part, lambda _: not self._stopped)
        return [(hand, outcome)]

    def shares(self) -> list[float]:
        """Return that nothing of any part is made."""
        return [0.0 for _ in self._at_work]

    def stop(self) -> None:
        """Let parts end at once."""
        self._stopped = True

    def end(self) -> None:
        """Drop the parts that were given."""
        self._hands.clear()
        self._at_work.clear()

    def close(self) -> None:
        """Give back what parts were made with."""
        if self._maker is not None:
            self._maker.close()
        self._maker = None
