"""Chooses the crew of a run."""

from collections.abc import Callable

from valuescape.sim.crew.alone import Alone
from valuescape.sim.crew.crew import Crew
from valuescape.sim.crew.local import Workers
from valuescape.sim.stepping.spec import WorkerSpec

CrewMaker = Callable[[WorkerSpec, int], Crew]
"""Makes a crew from the spec of all agents and the number of workers."""


def make_crew(whole: WorkerSpec, workers: int) -> Crew:
    """Return the crew for `whole`, the spec of all agents: local processes, or with 0 workers none."""
    return Workers(whole, workers) if workers else Alone(whole)
