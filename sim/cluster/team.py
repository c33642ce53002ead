"""The nodes that share a run: who steps which slice, who keeps whose rows, and what happens after a loss."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from valuescape.sim.cluster.catalogue import Catalogue, Entry
from valuescape.sim.cluster.member import Member
from valuescape.sim.cluster.messages import Task, Tuning
from valuescape.sim.cluster.moving import Move, Moving
from valuescape.sim.cluster.node import Call, NodeLostError, Nodes
from valuescape.sim.cluster.slices import Slice, divided
from valuescape.sim.crew.failures import WorkerFailedError
from valuescape.sim.crew.recent import Recent


@dataclass(frozen=True, slots=True)
class _Keeping:
    """Rows on their way to where they are kept. holder: None for this process; stored: once it was asked."""

    agents: Slice
    tick: int
    got: Call
    holder: Member | None
    stored: Call | None = None


class Team:
    """Divides a run's agents among nodes, and makes those of a lost node again on others.

    whole: the task of all agents. A slice that moves goes on from rows that are kept, at a tick from which
    its trails are complete again when it comes up, or else from tick 0. version: goes up when slices move.
    losses: hosts that were lost. said: the newest loss, in words. untold: what nobody has read: that, or
    first the remark of the nodes.
    """

    def __init__(self, whole: Task, nodes: Nodes) -> None:
        self.members: list[Member] = []
        self.version, self.losses, self.said, self.untold = 0, 0, "", nodes.remark
        self._whole, self._nodes = whole, nodes
        self.config = whole.config.workers
        self._tunings: list[Tuning] = []
        self._catalogue = Catalogue()
        self._moving: list[Moving] = []
        self._keeping: list[_Keeping] = []
        self._homeless: list[Slice] = [whole.agents]
        self._recent = Recent(self.config.restart_window)
        self._divided = False
        self._alone_since_s = time.monotonic()

    @property
    def at_work(self) -> list[Member]:
        """Members whose hosts are ready."""
        return [each for each in self.members if each.joining is None]

    @property
    def is_settled(self) -> bool:
        """Whether every slice is where it is stepped, if it has not come up to the others yet."""
        return self._divided and not (self._moving or self._homeless)

    @property
    def slices(self) -> list[tuple[Slice, Member]]:
        """All slices in order, with the members that step them."""
        return sorted(
            ((agents, each) for each in self.members for agents in each.slices), key=lambda pair: pair[0]
        )

    def check(self, shown: int) -> None:
        """Go on with all that is under way; never waits. shown: the newest tick that the run has shown.

        Raises UsageError or WorkerFailedError if the run cannot go on.
        """
        self._nodes.require_sound()
        self._welcome()
        self._divide(shown)
        self._place_homeless(shown)
        self._moving = [each for each in self._moving if self._goes_on(each)]
        self._keep()
        self._require_members()

    def tune(self, tuning: Tuning) -> None:
        """Have other numbers hold after a tick at which all slices rest."""
        self._tunings.append(tuning)
        for agents, member in self.slices:
            member.node.ask("tune", agents, tuning)
        for each in self._moving:
            if each.begun is None:
                each.tunings.append(tuning)

    # --- Members ------------------------------------------------------------------------------------------

    def _welcome(self) -> None:
        for node in self._nodes.new():
            self.members.append(Member(node, node.ask("load", self._whole.code)))
        for member in list(self.members):
            if member.joining is not None:
                self._join(member, member.joining)

    def _join(self, member: Member, joining: Call) -> None:
        if not joining.is_done():
            if member.is_silent(self.config):
                self.lose(member, f"not ready after {self.config.start_timeout:g} s (workers.start_timeout)")
            return
        try:
            joining.require_sound()
        except (NodeLostError, TimeoutError) as error:
            self.lose(member, str(error))
        else:
            member.joining, member.heard_s = None, time.monotonic()

    def lose(self, member: Member, reason: str) -> None:
        """Go on without a member; its slices find another. Raises WorkerFailedError after too many losses."""
        self.said = f"node {member.node.name} was lost: {reason}"
        member.node.end()
        self.members.remove(member)
        self._catalogue.lose(member.node)
        self._homeless += sorted(member.slices)
        self._moving = [each for each in self._moving if each.member is not member]
        self._keeping = [each for each in self._keeping if each.holder is not member]
        self.version += 1
        if member.joining is None:  # one that never was at work is no loss
            self.losses, self.untold = self.losses + 1, self.said
            self._count_loss()

    def _count_loss(self) -> None:
        config, losses = self.config, len(self._recent)
        if losses >= config.max_restarts:
            said = f"{self.said}\n  {losses} losses before it within {config.restart_window:g} s"
            raise WorkerFailedError(f"{said} (workers.max_restarts); giving up")
        self._recent.note()

    def _require_members(self) -> None:
        if self.at_work:
            self._alone_since_s = time.monotonic()
        elif not self.members and time.monotonic() - self._alone_since_s > self.config.start_timeout:
            said = self.said or "none has come"
            raise WorkerFailedError(
                f"no node of the cluster {self._whole.config.workers.cluster!r} is left: {said}"
            )

    # --- Slices -------------------------------------------------------------------------------------------

    def _divide(self, shown: int) -> None:
        """Divide the agents anew if a member has none, once all that were there at first are ready."""
        idle = [each for each in self.at_work if not each.slices]
        waits = self._moving or any(each.joining for each in self.members)
        if not idle or waits or (self._divided and self._homeless):
            return
        members = self.at_work
        parts = divided(len(self._whole.agents), [each.node.cpus for each in members])
        goal = [(part, member) for part, member in zip(parts, members, strict=True) if len(part)]
        if set(self.slices) == set(goal):
            return  # there are fewer blocks of agents than members
        self._divided, self._homeless = True, []
        self._leave_slices(set(self.slices) - set(goal))
        self._move([pair for pair in goal if pair[0] not in pair[1].slices], shown)

    def _leave_slices(self, pairs: Iterable[tuple[Slice, Member]]) -> None:
        for agents, member in pairs:
            member.node.ask("drop", agents)
            member.slices.remove(agents)

    def _place_homeless(self, shown: int) -> None:
        """Give slices of lost members to those that have the fewest agents for their cores."""
        ready = self.at_work
        if not (self._divided and ready):
            return
        homeless, self._homeless = self._homeless, []
        for agents in homeless:
            least = min(ready, key=lambda each: sum(map(len, each.slices)) / each.node.cpus)
            self._move([(agents, least)], shown)

    def _move(self, pairs: Sequence[tuple[Slice, Member]], shown: int) -> None:
        """Have members step slices, all from the same tick on."""
        complete = shown + 1 - self._whole.config.trails.length
        first = self._catalogue.newest([agents for agents, _ in pairs], complete)
        for agents, member in pairs:
            pieces = [] if first is None else self._catalogue.pieces(agents, first)
            task = self._task(agents, member, first or 0)
            later = [each for each in self._tunings if each.tick > task.first_tick or first is None]
            member.slices.add(agents)
            member.made, member.heard_s = {}, time.monotonic()
            self._moving.append(Moving(task, member, pieces, later))
        self.version += 1

    def _task(self, agents: Slice, member: Member, first: int) -> Task:
        """Return the task of a slice that goes on from tick `first`, with the numbers that hold then."""
        task = replace(self._whole, agents=agents, cores=max(1, int(member.node.cpus)), first_tick=first)
        before = [each for each in self._tunings if each.tick <= first and first]
        if not before:
            return task
        return replace(task, config=before[-1].config, checkpoint=before[-1].checkpoint)

    def _goes_on(self, moving: Moving) -> bool:
        """Return whether a slice is still on its way; if it cannot come this way, it looks for another."""
        state, member = moving.go_on(), moving.member
        if state is Move.FAILED:
            member.slices.discard(moving.task.agents)
            self._homeless.append(moving.task.agents)
        return state is Move.UNDER_WAY

    # --- Kept rows ----------------------------------------------------------------------------------------

    def note_kept(self, member: Member, kept: Iterable[tuple[Slice, int]]) -> None:
        """Have rows that a member keeps of its own slices kept elsewhere, too."""
        for agents, tick in kept:
            self._catalogue.add(Entry(agents, tick, member.node))
            others = self.at_work
            following = others[(others.index(member) + 1) % len(others)] if member in others else member
            holder = None if following is member else following
            self._keeping.append(
                _Keeping(agents, tick, member.node.ask("kept", agents, tick, agents), holder)
            )

    def _keep(self) -> None:
        still = []
        for each in self._keeping:
            try:
                left = self._store(each)
            except (NodeLostError, TimeoutError, KeyError):  # the next rows are kept again
                continue
            if left:
                still.append(left)
        self._keeping = still

    def _store(self, keeping: _Keeping) -> _Keeping | None:
        """Go on with rows on their way; return None when they are there."""
        agents, tick, holder = keeping.agents, keeping.tick, keeping.holder
        if not keeping.got.is_done():
            return keeping
        if holder is None:
            self._catalogue.add(Entry(agents, tick, None, keeping.got.result(self.config.heartbeat_timeout)))
            return None
        if keeping.stored is None:
            keeping.got.require_sound()
            return replace(keeping, stored=holder.node.ask("keep", keeping.got))
        if not keeping.stored.is_done():
            return keeping
        keeping.stored.require_sound()
        self._catalogue.add(Entry(agents, tick, holder.node))
        return None

    def forget_old(self, shown: int) -> None:
        """Forget rows that no slice would go on from any more: there are newer ones of all agents."""
        newest = self._catalogue.newest([self._whole.agents], shown + 1 - self._whole.config.trails.length)
        if newest is None or not self._catalogue.forget(newest):
            return
        for each in self.at_work:
            each.node.ask("forget", newest)

    def close(self) -> None:
        """End all hosts, within a few seconds."""
        self._nodes.close()
        self.members.clear()
