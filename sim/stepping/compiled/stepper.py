"""The compiled twins of `sim.stepping.stepper.Stepper`."""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.codegen.compiler import compile_for, source_key
from valuescape.sim.codegen.held import hold
from valuescape.sim.codegen.machine import BLOCK_AGENTS
from valuescape.sim.policy.inference import BatchPolicy
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.shared.arena import Arena
from valuescape.sim.shared.layout import Ending
from valuescape.sim.shared.turns import Turn, Turns
from valuescape.sim.stepping.compiled.interacting import interacting_code, interacting_tick
from valuescape.sim.stepping.compiled.mlp import TILE_AGENTS
from valuescape.sim.stepping.compiled.network import PolicyArrays, network_width, policy_arrays
from valuescape.sim.stepping.compiled.tick import Scratch, TickArrays, restart, tick, tick_rules
from valuescape.sim.stepping.compiled.tick_pass import PassRows
from valuescape.sim.stepping.compiled.turns import CompiledTurns, Loops, make_loops
from valuescape.sim.stepping.compiled.world import world_code
from valuescape.sim.stepping.shared_policy import acting_in, numbers_in
from valuescape.sim.stepping.stepper import Rules, Stepper
from valuescape.sim.stepping.tabulated import grid_of
from valuescape.sim.worlds.base import ElementwiseWorld, World
from valuescape.sim.worlds.interacting import InteractingWorld


class _LoopingStepper(Stepper):
    """Makes ticks by a compiled loop."""

    def _use(self, loops: Loops, work: tuple[Any, ...]) -> None:
        """Set the loops that make ticks; `work` is the compiled tick's arguments after its number."""
        self.loops = loops
        self.held = hold(work)

    def step_to(self, tick: int, until: int) -> int:
        """Make ticks up to `until`, for at most 50 ms but at least one; return the tick reached."""
        reached = int(self.loops.alone(self.held, tick, until))
        return reached if reached > tick else super().step_to(tick, until)

    def prepare(self, turns: Turns) -> None:
        """Compile the loop over ticks, or load it: 12 s the very first time on a 2.3 GHz Xeon."""
        assert isinstance(turns, CompiledTurns)
        compile_for(self.loops.as_worker, turns.shared, 0, 1, self.held)

    def run(self, turns: Turns, index: int, lead: int) -> Turn:
        """As worker `index`, make ticks while `turns` allows, for a bounded time; return why it stops."""
        assert isinstance(turns, CompiledTurns)
        turn = Turn(self.loops.as_worker(turns.shared, index, lead, self.held))
        if turn is not Turn.PLAIN:
            return turn
        k = int(self.arena["worker"][index]["tick"])
        self.step(k)
        turns.publish(index, k + 1)
        return Turn.AGAIN


class CompiledStepper(_LoopingStepper):
    """Steps as `Stepper` does, in machine code; only `initialise` remains NumPy's."""

    def __init__(
        self,
        arena: Arena,
        part: slice,
        world: ElementwiseWorld,
        checkpoint: Checkpoint | None,
        rules: Rules,
    ) -> None:
        super().__init__(arena, part, world, None, rules)  # no plain policy: it is compiled
        actions = _policy_in(arena, world, checkpoint, rules)
        code = world_code(world, rules, keeps_obs=arena.layout.kept_obs_dim > 0)
        scratch = _scratch(code.at, code.rows, network_width(actions, len(world.obs)))
        starts = tick_rules(world, rules.map_axes, autoreset=rules.autoreset)
        work = part.start, part.stop, _tick_arrays(arena), actions, starts, code, scratch
        self._use(_elementwise_loops(), work)

    def step(self, tick: int) -> None:
        """Make tick + 1 from `tick`."""
        self.loops.alone(self.held, tick, tick + 1)

    def restart(self, who: NDArray[np.intp], tick: int) -> None:
        """Put the agents `who` at the start of their next episode, at `tick` itself."""
        restart(self.held, who, tick)


class InteractingStepper(_LoopingStepper):
    """Steps a world whose agents see each other, by the machine code that the world brings.

    The plain path decides on actions, if there are any, and starts episodes.
    """

    def __init__(
        self,
        arena: Arena,
        part: slice,
        world: InteractingWorld,
        checkpoint: Checkpoint | None,
        rules: Rules,
    ) -> None:
        count = part.stop - part.start
        policy = BatchPolicy(acting_in(arena, checkpoint), world.action, count) if checkpoint else None
        super().__init__(arena, part, world, policy, rules)
        step_among = world.compiled_step_among()
        code = interacting_code(world, rules)
        self.action = np.zeros((world.action.dim, count), np.float32)
        scratch = _scratch(code.at, action=self.action, terminated=self.terminated)
        work = part.start, part.stop, _tick_arrays(arena), step_among.context, code, scratch
        self._use(make_loops(*interacting_tick(step_among)), work)
        # Else Python decides on actions or writes observations in every tick.
        self.loops_by_itself = world.action.dim == 0 and self.kept_obs.shape[1] == 0

    def step(self, tick: int) -> None:
        """Make tick + 1 from `tick`."""
        now, following = self.row(tick), self.row(tick + 1)
        self.action[:] = self._actions(now, following, tick)
        if self.loops.alone(self.held, tick, tick + 1) == tick:
            ended = now.ending != Ending.RUNNING
            self._start_again(np.flatnonzero(ended), tick, tick + 1)
            self._leave_trail(tick + 1, following, ended)
        self._keep_obs(tick + 1, following)

    def step_to(self, tick: int, until: int) -> int:
        """Make ticks up to `until`, for at most 50 ms but at least one; return the tick reached."""
        return super().step_to(tick, until) if self.loops_by_itself else Stepper.step_to(self, tick, until)

    def prepare(self, turns: Turns) -> None:
        """Compile or load the loops over ticks."""
        assert isinstance(turns, CompiledTurns)
        super().prepare(turns)
        turns.prepare()
        compile_for(self.loops.alone, self.held, 0, 0)

    def run(self, turns: Turns, index: int, lead: int) -> Turn:
        """As worker `index`, make ticks while `turns` allows, for a bounded time; return why it stops."""
        if self.loops_by_itself:
            return super().run(turns, index, lead)
        return Stepper.run(self, turns, index, lead)


def make_compiled_stepper(
    arena: Arena, part: slice, world: World, checkpoint: Checkpoint | None, rules: Rules
) -> Stepper:
    """Return the compiled stepper of a world. Raises numba's errors if the world cannot be compiled."""
    if isinstance(world, InteractingWorld):
        return InteractingStepper(arena, part, world, checkpoint, rules)
    assert isinstance(world, ElementwiseWorld)
    return CompiledStepper(arena, part, world, checkpoint, rules)


@cache
def _elementwise_loops() -> Loops:
    return make_loops(tick, source_key())


def _policy_in(
    arena: Arena, world: ElementwiseWorld, checkpoint: Checkpoint | None, rules: Rules
) -> PolicyArrays:
    """Return the policy, whose numbers are the arena's where it keeps any."""
    return policy_arrays(
        checkpoint,
        world.action,
        given=arena.layout.given_actions,
        shared=numbers_in(arena),
        bfloat16=rules.bfloat16,
        cells=rules.tabulated,
        grid=grid_of(world, rules.tabulated),
    )


def _tick_arrays(arena: Arena) -> TickArrays:
    return TickArrays(*(arena[name] for name in TickArrays._fields))


def _scratch(
    at: PassRows, rows: int = 0, width: int = 0, action: Any = None, terminated: Any = None
) -> Scratch:
    return Scratch(
        block=np.zeros((rows, BLOCK_AGENTS), np.float32),
        network=np.zeros((3, width * TILE_AGENTS), np.float32),
        action=np.zeros((0, 0), np.float32) if action is None else action,
        terminated=np.zeros(0, np.bool_) if terminated is None else terminated,
        table=np.zeros(at.size, np.uint64),
        starting=np.zeros((5, BLOCK_AGENTS), np.uint64),
        time=np.zeros(2, np.int64),
    )
