"""Chooses the crew of a run."""

from collections.abc import Callable

from valuescape.sim.crew.alone import Alone
from valuescape.sim.crew.crew import Crew
from valuescape.sim.crew.local import Workers
from valuescape.sim.stepping.spec import WorkerSpec

CrewMaker = Callable[[WorkerSpec, int], Crew]
"""Makes a crew from the slice of all agents and the number of workers."""


def make_crew(everyone: WorkerSpec, workers: int) -> Crew:
    """Return a crew of `workers` processes for the slice `everyone`; for 0, the calling process alone."""
    return Workers(everyone, workers) if workers else Alone(everyone)
