"""Measures a flock written for mesa as fast as its agents allow; runs in the peers' environment.

Mesa's own search visits all agents for each agent. Here neighbours come from a k-d tree over the space's own
array of positions, built once a tick, so that an agent's cost does not grow with the flock.
"""

import math
import time
import warnings

import mesa
import numpy as np
from measuring import answer, arguments, calls_per_s
from mesa.experimental.continuous_space import ContinuousSpace, ContinuousSpaceAgent
from scipy.spatial import cKDTree

AREA_PER_BIRD, VISION, SEPARATION, SPEED = 50.0, 5.0, 1.0, 1.0
COHERE, SEPARATE, MATCH = 0.03, 0.015, 0.05
TURN = 1_000  # birds that move in one call


class Bird(ContinuousSpaceAgent):
    def __init__(self, model, space):
        super().__init__(space, model)

    def step(self):
        flock = self.model
        index = self.space._agent_to_index[self]
        near = flock.neighbours(index)
        velocity = flock.velocity[index]
        if len(near):
            way = flock.space.agent_positions[near] - flock.space.agent_positions[index]
            way -= flock.extent * np.rint(way / flock.extent)
            close = np.einsum("ij,ij->i", way, way) < SEPARATION**2
            turn = COHERE * way.sum(axis=0) - SEPARATE * way[close].sum(axis=0)
            turn += MATCH * flock.velocity[near].sum(axis=0)
            velocity = velocity + turn / len(near)
            velocity /= math.hypot(*velocity)
            flock.velocity[index] = velocity
        flock.space.agent_positions[index] = (
            flock.space.agent_positions[index] + velocity * SPEED
        ) % flock.extent


class Birds(mesa.Model):
    def __init__(self, count):
        super().__init__(seed=0)
        self.extent = math.sqrt(AREA_PER_BIRD * count)
        self.space = ContinuousSpace(
            [[0, self.extent], [0, self.extent]], torus=True, random=self.random, n_agents=count
        )
        Bird.create_agents(self, count, self.space)
        rng = np.random.default_rng(0)
        self.space.agent_positions[:] = rng.uniform(0, self.extent, (count, 2))
        angle = rng.uniform(-np.pi, np.pi, count)
        self.velocity = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        self.order, self.at = [], 0

    def neighbours(self, index):
        found = self.near[index]
        found.remove(index)
        return found

    def look_around(self):
        """Begin a tick: find all neighbours, and shuffle the birds."""
        positions = self.space.agent_positions % self.extent
        tree = cKDTree(positions, boxsize=self.extent)
        self.near = tree.query_ball_point(positions, VISION, return_sorted=False)
        self.order, self.at = list(self.agents), 0
        self.random.shuffle(self.order)

    def turn(self):
        """Move the next TURN birds of the tick."""
        if self.at >= len(self.order):
            self.look_around()
        for bird in self.order[self.at : self.at + TURN]:
            bird.step()
        self.at += TURN


def main() -> None:
    warnings.filterwarnings("ignore")
    asked = arguments()
    agents = asked["agents"]
    flock = Birds(agents)

    def tick():
        for _ in range(agents // TURN):
            flock.turn()

    if agents > 10 * TURN:  # one tick takes seconds
        began = time.perf_counter()
        tick()
        answer(agents / (time.perf_counter() - began))
        return
    answer(agents * calls_per_s(tick, asked["seconds"]))


if __name__ == "__main__":
    main()
