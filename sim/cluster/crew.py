"""A crew whose ticks are made on the nodes of a cluster."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from valuescape.sim.cluster.member import Member
from valuescape.sim.cluster.messages import Look, Seen, Tuning
from valuescape.sim.cluster.node import Call, NodeLostError
from valuescape.sim.cluster.team import Team
from valuescape.sim.crew.crew import Crew
from valuescape.sim.crew.failures import WorkerFailedError
from valuescape.sim.errors import UsageError
from valuescape.sim.shared.arena import Arena
from valuescape.sim.shared.layout import Phase, of_agents
from valuescape.sim.shared.orders import Orders, give_orders, read_orders
from valuescape.sim.stepping.stepper import Stepper

RECORDS = 2
"""Records in `arena["worker"]`: of the tick whose rows are here, and of the tick that nodes may make."""

_HOST_WAITS_S = 0.05
"""The longest that a host waits for a tick that is asked for in lockstep."""

_LOOK_S = 0.0005
"""Interval at which answers are looked for in lockstep."""


@dataclass(slots=True)
class _Round:
    """A look that all members were asked for at one time. version: of the team then.

    calls: those that are not answered. seen: the answers.
    """

    look: Look
    calls: dict[Member, Call]
    version: int
    seen: dict[Member, Seen] = field(default_factory=dict)


class ClusterCrew(Crew):
    """Lets nodes make ticks up to `workers.max_lead` beyond the newest one, and gets what this process keeps.

    The arena has rows of some agents alone (`Task.kept`). A tick is complete when all nodes' are here. Nodes
    need no message for a tick: they are asked for what is new as often as `check` is called, and told how far
    they may go. Without an answer for `workers.heartbeat_timeout` a node counts as lost.

    failed: what ended the run, which is raised again by all that would go on; None while it can go on.

    Performance: a look at three nodes of this machine takes 1 ms of this process (`make bench-cluster`).
    """

    def __init__(self, arena: Arena, team: Team, max_lead: int) -> None:
        self.arena, self.team = arena, team
        self._lead, self._config = max_lead, team.config
        self.failed: WorkerFailedError | None = None
        self._round: _Round | None = None
        self._records = arena["worker"]
        self._records["phase"] = Phase.RUNNING
        self.systems_off: dict[int, tuple[int, bytes]] = {}

    @property
    def restarts(self) -> int:
        """Number of workers and of hosts that have been replaced."""
        return self.team.losses + sum(each.restarts for each in self.team.members)

    @property
    def _shown(self) -> int:
        return int(self._records["tick"][0])

    @property
    def _granted(self) -> int:
        return int(self._records["tick"][1])

    @property
    def is_level(self) -> bool:
        """Whether all slices are where they are stepped, and have come to the newest tick that is here."""
        if self.failed or not self.team.is_settled:
            return False
        return min((each.complete for each in self.team.at_work), default=-1) >= self._shown

    def wait_ready(self, check: Callable[[], None]) -> None:
        """Wait until all agents have made tick 0."""
        while not self.is_ready():
            check()
            time.sleep(_LOOK_S)

    def is_ready(self) -> bool:
        """Go on with the start; return whether tick 0 is here."""
        if self._shown < 0:
            self._turn(0)
        return self._shown >= 0

    def take_over(self, tick: int) -> None:
        """Raise UsageError: nodes go on with what they have."""
        raise UsageError(f"the agents of a cluster cannot be taken over at tick {tick}", "begin a new run")

    def give(self, orders: Orders) -> None:
        """Have ticks made as `orders` say; nodes hear of it with the next `check`."""
        give_orders(self.arena, orders)

    def rests(self) -> bool:
        """Return whether all ticks that nodes may make are here."""
        return self._shown == self._granted

    def advance_to(self, tick: int) -> None:
        """Have every tick up to `tick` made as fast as can be; return when it is complete."""
        self.give(Orders(False, tick, 0, 0, 0))
        while self._shown < tick:
            self._turn(tick, _HOST_WAITS_S)
            if self._round:
                time.sleep(_LOOK_S)

    def check(self) -> None:
        """Take what nodes have answered, look for lost ones, and ask for what is due."""
        self._turn(self._due())

    def tune(self, tuning: Tuning) -> None:
        """Have other numbers hold on all nodes from the tick after one at which they rest."""
        self.team.tune(tuning)

    def stepper(self) -> Stepper:
        """Raise UsageError: no process has all agents."""
        raise UsageError("the agents of a cluster cannot be stepped here", "use workers.cluster = ''")

    def close(self) -> None:
        """End the hosts on all nodes, and let go of the arena."""
        if vars(self):
            self.team.close()
            vars(self).clear()

    # --- Looks --------------------------------------------------------------------------------------------

    def _due(self) -> int:
        """Return the newest tick that may be shown now."""
        orders = read_orders(self.arena)
        if not orders.tick_ns:
            return orders.limit
        passed = (time.monotonic_ns() - orders.origin_ns) // orders.tick_ns
        return min(orders.limit, orders.origin_tick + max(0, passed))

    def _turn(self, wanted: int, wait_s: float = 0.0) -> None:
        """Take answers that are there; ask anew if nothing is open. wanted: the tick that is to be shown."""
        if self.failed:
            raise self.failed
        try:
            self._go_on(wanted, wait_s)
        except WorkerFailedError as error:
            self.failed = error
            raise

    def _go_on(self, wanted: int, wait_s: float) -> None:
        if self._round and self._take(self._round):
            self._round = None
        self.team.check(self._shown)
        if self._round is None:
            self._ask(wanted, wait_s)

    def _ask(self, wanted: int, wait_s: float) -> None:
        """Ask all members for ticks up to `wanted`: for complete ones, unless `wait_s` is given."""
        team, shown = self.team, self._shown
        members = team.at_work
        if not members:
            return
        ready = min(each.complete for each in members)
        until = min(wanted, shown + self._lead) if wait_s or shown < 0 else min(wanted, ready)
        until = max(shown, until) if team.is_settled else shown
        limit = read_orders(self.arena).limit if shown >= 0 else 0
        grant = max(self._granted, min(limit, shown + self._lead), 0)
        if team.is_settled:
            self._records["tick"][1] = grant if shown >= 0 else -1
        look, now = Look(shown, until, grant, wait_s), time.monotonic()
        for each in members:
            each.heard_s = now
        self._round = _Round(look, {each: each.node.ask("look", look) for each in members}, team.version)

    def _take(self, asked: _Round) -> bool:
        """Take the answers of a round that are there; return whether it is over."""
        for member, call in list(asked.calls.items()):
            if member not in self.team.members or self._has_answered(member, call, asked):
                del asked.calls[member]
        if asked.calls:
            return False
        self._note(asked.seen)
        if asked.version == self.team.version:  # else it says nothing of slices that have moved since
            for member, each in asked.seen.items():
                member.take(each.complete)
            self._show(asked.look, asked.seen)
        return True

    def _has_answered(self, member: Member, call: Call, asked: _Round) -> bool:
        """Take a member's answer, if it is there; return False if it is to be waited for."""
        try:
            if call.is_done():
                asked.seen[member] = call.result(self._config.heartbeat_timeout)
                member.heard_s = time.monotonic()
                return True
        except (NodeLostError, TimeoutError) as error:
            self.team.lose(member, str(error))
            return True
        if member.is_silent(self._config):
            self.team.lose(member, f"no answer for {member.patience_s(self._config):g} s")
            return True
        return False

    def _note(self, seen: Mapping[Member, Seen]) -> None:
        """Note what members said of themselves."""
        for member, each in seen.items():
            if member in self.team.members:
                member.workers, member.restarts = each.workers, each.restarts
                self.team.note_kept(member, each.kept)
                for index, tick, said in each.systems_off:
                    self.systems_off.setdefault(index, (tick, said))
        if any(each.kept for each in seen.values()):
            self.team.forget_old(self._shown)

    def _show(self, look: Look, seen: Mapping[Member, Seen]) -> None:
        """Write the rows of a round to the arena, if all members have answered with all of its ticks."""
        if look.until <= look.after or any(each.upto < look.until for each in seen.values()):
            return
        for each in seen.values():
            self._write(look.after + 1, each)
        self._records["tick"][0] = look.until
        self._records["tick"][1] = max(self._granted, look.until)

    def _write(self, first: int, seen: Seen) -> None:
        columns = seen.columns
        for name, rows in seen.rows.items():
            ring = self.arena[name]
            for tick, row in enumerate(rows, first):
                ring[tick % len(ring)][of_agents(name, columns)] = row
