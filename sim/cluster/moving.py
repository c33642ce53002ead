"""A slice on its way to a node: its kept rows are got from other nodes, then the node begins to step it."""

from dataclasses import dataclass
from enum import Enum, auto

from valuescape.sim.cluster.catalogue import Piece
from valuescape.sim.cluster.member import Member
from valuescape.sim.cluster.messages import Task, Tuning
from valuescape.sim.cluster.node import Call, NodeLostError


class Move(Enum):
    """The state of a slice that moves."""

    UNDER_WAY = auto()
    DONE = auto()
    FAILED = auto()


@dataclass(slots=True)
class Moving:
    """Brings a slice to a member. pieces: its rows at `task.first_tick`; none: it begins at tick 0.

    tunings: after that tick, in order. The member is only asked once all pieces are there: a call that waits
    for another node would hold up its looks.
    """

    task: Task
    member: Member
    pieces: list[Piece]
    tunings: list[Tuning]
    begun: Call | None = None

    def go_on(self) -> Move:
        """Do the next step, if what it needs is there; never waits. Raises UsageError from the member."""
        try:
            return self._go_on()
        except (NodeLostError, TimeoutError):
            return Move.FAILED

    def _go_on(self) -> Move:
        if self.begun is not None:
            if not self.begun.is_done():
                return Move.UNDER_WAY
            self.begun.require_sound()
            return Move.DONE
        calls = [each for each in self.pieces if isinstance(each, Call)]
        if not all(each.is_done() for each in calls):
            return Move.UNDER_WAY
        for each in calls:
            each.require_sound()
        node, self.member.has_begun = self.member.node, True
        self.begun = node.ask("begin", self.task, *self.pieces)
        for tuning in self.tunings:
            node.ask("tune", self.task.agents, tuning)
        return Move.UNDER_WAY
