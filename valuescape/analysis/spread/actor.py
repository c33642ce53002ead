"""The process that Ray starts on a node: makes parts, tells how far it is, and stops when asked to."""

from typing import Any

from valuescape.analysis.spread.parts import Job, Made, Part, PartMaker
from valuescape.sim.cluster.naming import name_here
from valuescape.sim.cluster.orphans import end_with_raylet
from valuescape.sim.crew.failures import Failure


class PartActor:
    """Makes one part at a time. `look` and `stop` are called by another thread while one is made."""

    def __init__(self) -> None:
        end_with_raylet()
        self._maker: PartMaker | None = None
        self._job: Any = None
        self._share, self._stopped = 0.0, False

    def make(self, job: list[Any], part: Part) -> Made | Failure:
        """Return a part, or why it could not be made. job: a reference to it, in a list so that Ray leaves
        it one: it is fetched once."""
        try:
            self._share = 0.0
            if job[0] != self._job:
                self._take(job[0])
            assert self._maker is not None
            return self._maker.make(part, self._on_share)
        except Exception as error:
            return Failure.of(error)

    def where(self) -> str:
        """Return the name of the node that this process is on."""
        import ray

        return name_here(ray)

    def look(self) -> float:
        """Return how far the part at work is, 0 to 1."""
        return self._share

    def stop(self) -> None:
        """Let the part at work, and all to come, end soon."""
        self._stopped = True

    def _take(self, reference: Any) -> None:
        import ray  # here, for nothing else of the program needs it

        if self._maker is not None:
            self._maker.close()
        job: Job = ray.get(reference)
        self._maker, self._job = PartMaker(job), reference

    def _on_share(self, share: float) -> bool:
        self._share = share
        return not self._stopped
