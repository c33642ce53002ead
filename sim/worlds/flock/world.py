"""Birds that keep their distance, fly where their neighbours fly, and stay with them: Reynolds' boids."""

import math
from typing import ClassVar

import numpy as np

from valuescape.sim.arrays import BoolArray, Float32Array
from valuescape.sim.config.sections import FlockConfig
from valuescape.sim.elementwise import cos, sin, symmetric
from valuescape.sim.worlds.base import ActionSpace, ContinuousAction, Variable
from valuescape.sim.worlds.flock.cells import CellList
from valuescape.sim.worlds.flock.rules import fly, make_rules, wrapped
from valuescape.sim.worlds.interacting import CompiledStepAmong, InteractingWorld

_PART = 1024
"""Birds calculated at a time: what NumPy stores between two operations stays in the cache."""

_PI = np.float32(math.pi)


class Flock(InteractingWorld):
    """Birds in a periodic square that steer by their neighbours: the birds within `visual_distance`.

    Each bird turns to the mean position of its neighbours, away from those nearer than `separation`, and to
    their mean velocity, then flies on at constant speed. Starts are uniform in position and direction. The
    reward belongs to the state acted in: the cosine between the bird's velocity and the mean velocity of its
    neighbours, 0 without neighbours. Never terminates; truncates after 10,000 steps. Lengths have no unit;
    the unit of time is one step.

    Departures from the source: all birds move at once, instead of one by one in random order; numbers are
    float32, not 64-bit; a bird whose new velocity is zero keeps the old one. The source's code measures the
    way to a neighbour as the plain difference of the positions, which sends a bird away from flockmates
    beyond the edge; here it is the shortest way, as the source's text asks of the search for neighbours.
    """

    name = "flock"
    goal = "none; birds keep together and apart"
    termination = "never"
    source = (
        "JuliaDynamics ABMFrameworksComparison, Flocking/DECLARATION.md; rules of Reynolds (SIGGRAPH 1987)"
    )
    state: tuple[Variable, ...]  # type: ignore[misc]  # the window depends on the configuration
    obs: tuple[Variable, ...]  # type: ignore[misc]
    action: ClassVar[ActionSpace] = ContinuousAction(())
    step_s = 1.0
    max_episode_steps = 10_000
    reset_draws = 3

    def __init__(self, config: FlockConfig, num_agents: int) -> None:
        self.num_agents = num_agents
        self.rules = make_rules(config, num_agents)
        extent = float(self.rules.extent)
        self.state = self.obs = (
            Variable("x", "", 0.0, extent, periodic=True),
            Variable("y", "", 0.0, extent, periodic=True),
            Variable("x velocity", "", -1.0, 1.0),
            Variable("y velocity", "", -1.0, 1.0),
        )

    def reset(self, draws: Float32Array, out: Float32Array) -> None:
        """Write start states: uniform positions, uniform directions, speed 1."""
        extent, angle = self.rules.extent, symmetric(draws[2], _PI)
        for row, draw in zip(out, draws[:2], strict=False):
            row[:] = wrapped(draw * extent, extent)
        out[2], out[3] = cos(angle), sin(angle)

    def step_among(
        self,
        everyone: Float32Array,
        part: slice,
        action: Float32Array,
        out: Float32Array,
        reward: Float32Array,
        terminated: BoolArray,
    ) -> None:
        """Write next states and rewards of the birds `part`, in plain NumPy."""
        cells = CellList(self.rules, everyone)
        who = np.arange(everyone.shape[1])[part]
        for begin in range(0, len(who), _PART):
            some = who[begin : begin + _PART]
            to = slice(begin, begin + len(some))
            *following, reward[to] = fly(self.rules, tuple(everyone[:, some]), tuple(cells.sums(some)))
            for row, element in zip(out[:, to], following, strict=True):
                row[:] = element
        terminated[:] = False

    def compiled_step_among(self) -> CompiledStepAmong:
        """Return the compiled step for this many birds."""
        from valuescape.sim.worlds.flock.kernel import make_step

        return make_step(self.rules, self.num_agents)
