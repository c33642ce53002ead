"""What parameters cost: ticks of worlds whose numbers are data, against the same numbers as constants.

Three variants of each world are stepped in turn, in one process: constants, as if it had no parameters;
uniform values; and values spread over the agents. The ratio is that of the shortest ticks.
"""

import time
from typing import Any

import numpy as np

from valuescape.sim.shared.arena import Arena
from valuescape.sim.shared.layout import ArenaLayout
from valuescape.sim.stepping.compiled.stepper import make_compiled_stepper
from valuescape.sim.stepping.parameters import give_parameters
from valuescape.sim.stepping.stepper import Rules, Stepper, give_seed
from valuescape.sim.worlds import WORLDS, DiscreteAction
from valuescape.sim.worlds.base import ElementwiseWorld, full_dynamics
from valuescape.sim.worlds.parameters import Range, middle_values

AGENTS, ROUNDS, TICKS = 20_000, 60, 20


def with_constants(kind: type[ElementwiseWorld]) -> ElementwiseWorld:
    """Return the world without parameters: their defaults are constants of its dynamics."""
    dynamics, none = full_dynamics(kind), ()
    values = tuple(np.float32(each) for each in middle_values(kind().ranges)[:, 0])

    def fixed(state: Any, action: Any) -> Any:
        return dynamics(state, action, values, none)

    return type(kind.__name__, (kind,), {"parameters": (), "dynamics": staticmethod(fixed)})()


def spread(kind: type[ElementwiseWorld]) -> ElementwiseWorld:
    """Return the world with its first parameter spread by a tenth either way."""
    world, first = kind(), kind.parameters[0]
    world.values = {first.name: Range(0.9 * first.default, 1.1 * first.default)}
    return world


def stepper_of(world: ElementwiseWorld) -> Stepper:
    """Return a compiled stepper of AGENTS agents with given actions."""
    sizes = AGENTS, 0, len(world.state), world.action.dim
    layout = ArenaLayout(
        *sizes, state_rows=2, trail_rows=2, given_actions=True, parameters=len(world.parameters)
    )
    arena = Arena(layout)
    give_seed(arena, 1)
    give_parameters(arena, world)
    discrete = isinstance(world.action, DiscreteAction)
    arena["given_action"][:] = np.arange(AGENTS) % 2 if discrete else 0.3
    stepper = make_compiled_stepper(arena, slice(0, AGENTS), world, None, Rules(world.map_axes))
    stepper.initialise()
    return stepper


def shortest_ns(steppers: list[Stepper]) -> list[float]:
    """Return the shortest tick of each, in ns an agent, stepped in turn so that all meet the same machine."""
    best, tick = [float("inf")] * len(steppers), 0
    for _ in range(ROUNDS):
        for index, stepper in enumerate(steppers):
            for offset in range(TICKS):
                began = time.perf_counter_ns()
                stepper.step(tick + offset)
                best[index] = min(best[index], (time.perf_counter_ns() - began) / AGENTS)
        tick += TICKS
    return best


def main() -> None:
    print(f"{AGENTS:,} agents, given actions, shortest of {ROUNDS * TICKS} ticks, ns an agent")
    heads = "constants", "uniform", "spread", "uniform/const.", "spread/const."
    print("world".ljust(24), *(head.rjust(14) for head in heads))
    for name, kind in WORLDS.items():
        assert issubclass(kind, ElementwiseWorld)
        variants = with_constants(kind), kind(), spread(kind)
        constant, uniform, own = shortest_ns([stepper_of(each) for each in variants])
        cells = constant, uniform, own, uniform / constant, own / constant
        print(name.ljust(24), *(f"{cell:14.3f}" for cell in cells))


if __name__ == "__main__":
    main()
