"""The smallest cluster: hosts in the calling process, whose calls are carried out when they are waited for.

It is the specification that others are compared with, and what most tests use. Its nodes can be lost, cut off
and joined by hand.
"""

import pickle
from collections import Counter, deque
from collections.abc import Sequence
from typing import Any

from valuescape.sim.cluster.host import Host
from valuescape.sim.cluster.node import Call, Node, NodeLostError, Nodes
from valuescape.sim.plugins.carrying import CarriedCode


class _Host(Host):
    """A host in the main process."""

    def load(self, code: CarriedCode) -> None:
        """Do nothing: this process has loaded them."""


class StubCall(Call):
    """A call that its node carries out after those before it, once somebody asks whether it is done."""

    def __init__(self, node: "StubNode", method: str, arguments: tuple[Any, ...]) -> None:
        self._node, self.method, self.arguments = node, method, arguments
        self.answer: tuple[Any, BaseException | None] | None = None

    def is_done(self) -> bool:
        """Have the node carry out its calls up to this one; return whether it did, or is lost."""
        self._node.carry_out(self)
        return self._node.lost or (self.answer is not None and not self._node.mute)

    def require_sound(self) -> None:
        """Raise what the method raised."""
        self.result(0.0)

    def result(self, timeout_s: float) -> Any:
        """Return what the method returned; raises TimeoutError at once if the node is cut off."""
        if not self.is_done():
            raise TimeoutError(f"{self._node.name}: no answer within {timeout_s:g} s")
        if self.answer is None:
            raise NodeLostError(f"{self._node.name}: its process ended")
        value, error = self.answer
        if error:
            raise error
        return value


class StubNode(Node):
    """A host in this process.

    lost: it was killed. cut: no call reaches it; mute: no answer of it arrives: the network is broken in one
    direction.
    """

    def __init__(self, name: str, cpus: float = 1.0) -> None:
        self.name, self.cpus = name, cpus
        self.host: Host = _Host()
        self.lost = self.cut = self.mute = False
        self.sent: Counter[str] = Counter()
        """Bytes of all results so far, pickled, by method."""
        self._calls: deque[StubCall] = deque()

    def ask(self, method: str, *arguments: Any) -> StubCall:
        """Call a method of the host."""
        call = StubCall(self, method, arguments)
        self._calls.append(call)
        return call

    def carry_out(self, until: StubCall) -> None:
        """Carry out the calls up to `until`, unless the node is lost or cut off."""
        while self._calls and until.answer is None and not (self.lost or self.cut):
            call = self._calls.popleft()
            call.answer = self._answer(call)

    def _answer(self, call: StubCall) -> tuple[Any, BaseException | None]:
        try:
            arguments = [each.result(0.0) if isinstance(each, Call) else each for each in call.arguments]
            sent = pickle.dumps(getattr(self.host, call.method)(*arguments))
        except Exception as error:
            return None, error
        self.sent[call.method] += len(sent)
        return pickle.loads(sent), None  # noqa: S301 (values of our own, as a real node would send them)

    def kill(self) -> None:
        """Lose the node with all that it keeps."""
        self.lost = True
        self.host.close()

    def end(self) -> None:
        """End the host."""
        self.kill()


class StubNodes(Nodes):
    """A cluster of `count` nodes, of one core each; `join` adds one."""

    def __init__(self, count: int) -> None:
        self.nodes: list[StubNode] = []
        self._fresh: list[StubNode] = []
        for _ in range(count):
            self.join()

    def join(self, cpus: float = 1.0) -> StubNode:
        """Add a node, and return it."""
        node = StubNode(f"stub {len(self.nodes)}", cpus)
        self.nodes.append(node)
        self._fresh.append(node)
        return node

    def new(self) -> Sequence[StubNode]:
        """Return the nodes that have come since the last call."""
        fresh, self._fresh = self._fresh, []
        return fresh

    def close(self) -> None:
        """End all hosts."""
        for each in self.nodes:
            each.end()
