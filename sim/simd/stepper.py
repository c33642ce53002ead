"""The compiled counterpart of `sim.stepper.Stepper`."""

from typing import Any

import numpy as np

from sim.arena import Arena
from sim.layout import Ending
from sim.policy.inference import BatchPolicy
from sim.policy.network import Checkpoint
from sim.simd.compiler import compile_for
from sim.simd.loop import CompiledTurns, loop, several_ticks
from sim.simd.machine import BLOCK_AGENTS
from sim.simd.mlp import TILE_AGENTS
from sim.simd.policy import network_width, policy_arrays
from sim.simd.tick import Scratch, TickArrays, count_and_leave_trail, tick_rules
from sim.simd.tick import tick as make_tick
from sim.simd.world import world_code
from sim.stepper import Rules, Stepper
from sim.turns import Turn, Turns
from sim.worlds.base import ElementwiseWorld, World
from sim.worlds.interacting import InteractingWorld


class CompiledStepper(Stepper):
    """Steps as `Stepper` does, in machine code; the beginning and resets by hand stay NumPy's.

    `work` is what the compiled tick takes behind its tick number.
    """

    def __init__(
        self,
        arena: Arena,
        part: slice,
        world: ElementwiseWorld,
        checkpoint: Checkpoint | None,
        rules: Rules,
    ) -> None:
        super().__init__(arena, part, world, None, rules)  # the policy is compiled, too
        given = arena.layout.given_actions
        actions = policy_arrays(checkpoint, world.action, rules.exploration, given=given)
        code = world_code(world)
        self.time = np.zeros(2, np.int64)
        self.work: tuple[Any, ...] = (
            part.start,
            part.stop,
            _tick_arrays(arena),
            actions,
            tick_rules(world, rules.map_axes, autoreset=rules.autoreset),
            code,
            _scratch(code.rows, network_width(actions, len(world.obs))),
        )

    def step(self, tick: int) -> None:
        """Make tick + 1 from `tick`."""
        make_tick(tick, *self.work)

    def step_to(self, tick: int, until: int) -> int:
        """Make ticks up to `until`, for at most 50 ms but at least one; return the tick reached."""
        return int(several_ticks(self.time, tick, until, self.work))

    def prepare(self, turns: Turns) -> None:
        """Compile the loop over ticks, or find it compiled: 12 s the very first time on a 2.3 GHz Xeon."""
        assert isinstance(turns, CompiledTurns)
        compile_for(loop, turns.shared, 0, 1, self.work)

    def run(self, turns: Turns, index: int, lead: int) -> Turn:
        """As worker `index`, make ticks while it may, for a bounded time; return why it stops."""
        assert isinstance(turns, CompiledTurns)
        return Turn(loop(turns.shared, index, lead, self.work))


class InteractingStepper(Stepper):
    """Steps a world whose agents see each other with the machine code that the world brings."""

    def __init__(
        self,
        arena: Arena,
        part: slice,
        world: InteractingWorld,
        checkpoint: Checkpoint | None,
        rules: Rules,
    ) -> None:
        policy = BatchPolicy(checkpoint, world.action, part.stop - part.start) if checkpoint else None
        super().__init__(arena, part, world, policy, rules)
        self.step_among = world.compiled_step_among()
        self.bounds = part.start, part.stop
        self.arrays = _tick_arrays(arena)
        self.tick_rules = tick_rules(world, rules.map_axes, autoreset=rules.autoreset)

    def prepare(self, turns: Turns) -> None:
        """Compile what a tick calls, or find it compiled."""
        assert isinstance(turns, CompiledTurns)
        turns.prepare()
        nobody, row = self.bounds[0], self.row(0)
        everyone = np.zeros(self.arena["state"].shape[1:], np.float32)
        self.step_among(everyone, nobody, nobody, row.action, row.state, row.reward, self.terminated)
        compile_for(count_and_leave_trail, 0, 0, 0, self.arrays, self.tick_rules, self.terminated)

    def step(self, tick: int) -> None:
        """Make tick + 1 from `tick`."""
        now, following = self.row(tick), self.row(tick + 1)
        action = self._actions(now, following, tick)
        everyone = self.arena["state"][tick % len(self.rows)]
        results = action, following.state, following.reward, self.terminated
        self.step_among(everyone, *self.bounds, *results)
        if not count_and_leave_trail(tick, *self.bounds, self.arrays, self.tick_rules, self.terminated):
            ended = now.ending != Ending.RUNNING
            self._start_again(np.flatnonzero(ended), tick, tick + 1)
            self._leave_trail(tick + 1, following, ended)
        self._keep_obs(tick + 1, following)


def make_compiled_stepper(
    arena: Arena, part: slice, world: World, checkpoint: Checkpoint | None, rules: Rules
) -> Stepper:
    """Return the compiled stepper of a world. Raises numba's errors if the world cannot be compiled."""
    if isinstance(world, InteractingWorld):
        return InteractingStepper(arena, part, world, checkpoint, rules)
    assert isinstance(world, ElementwiseWorld)
    return CompiledStepper(arena, part, world, checkpoint, rules)


def _tick_arrays(arena: Arena) -> TickArrays:
    arrays = TickArrays(*(arena[name] for name in TickArrays._fields))
    return arrays._replace(trail_position=arrays.trail_position.reshape(arena.layout.trail_rows, -1))


def _scratch(rows: int, width: int) -> Scratch:
    return Scratch(
        np.zeros((rows, BLOCK_AGENTS), np.float32),
        np.zeros(BLOCK_AGENTS, np.bool_),
        np.zeros((3, width * TILE_AGENTS), np.float32),
    )
