"""The contract of nodes: what carries calls to a `Host` elsewhere. `sim.cluster.stub` is the smallest one."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from valuescape.sim.errors import ValuescapeError


class NodeLostError(ValuescapeError):
    """A node does not answer any more: its process ended, or there is no way to it."""


class Call(ABC):
    """A call of a host's method that is under way."""

    @abstractmethod
    def is_done(self) -> bool:
        """Return whether the method has returned or failed; never waits."""

    @abstractmethod
    def require_sound(self) -> None:
        """Raise what `result` would raise of a call that is done, without getting what it returned."""

    @abstractmethod
    def result(self, timeout_s: float) -> Any:
        """Return what the method returned.

        Raises what it raised: UsageError or WorkerFailedError; NodeLostError if the node was lost before it
        answered, TimeoutError if it has not answered within `timeout_s`.
        """


class Node(ABC):
    """A host somewhere. Callers may rely on these:

    - Calls of one node are carried out one after the other, in the order of `ask`.
    - Arguments and results are values: NumPy arrays, texts, numbers, frozen dataclasses of those; what one
      side does to an array afterwards does not reach the other.
    - A `Call` of any node of the same cluster can be an argument: the method gets its result, which does not
      pass through the calling process. If it fails, so does the call that it is an argument of.
    - No method waits but `Call.result`; a lost node raises NodeLostError there, or never finishes a call.

    name: as messages name it. cpus: cores that it may use, by which agents are divided.
    """

    name: str
    cpus: float

    @abstractmethod
    def ask(self, method: str, *arguments: Any) -> Call:
        """Call a public method of the node's host."""

    @abstractmethod
    def end(self) -> None:
        """End the host and all that it started, whether it answers or not; never waits."""


class Nodes(ABC):
    """The nodes of a cluster as they come and go, each with a host of its own for this run.

    A node whose host was ended or lost comes again as another one, if its machine is still there. remark: a
    sentence about them that users should read when a run begins; "" for none.
    """

    remark = ""

    @abstractmethod
    def new(self) -> Sequence[Node]:
        """Return the nodes that have come since the last call; never waits.

        Raises UsageError if the cluster cannot be used, or is gone for good.
        """

    def require_sound(self) -> None:
        """Raise WorkerFailedError, which may be a UsageError too, if the cluster itself is gone."""
        return  # of clusters that cannot be

    @abstractmethod
    def close(self) -> None:
        """End the hosts of all nodes, within a few seconds; a second call does nothing."""
