"""One tick of a slice of agents that see each other: the world's kernel, then the pass that counts."""

from typing import Any, NamedTuple

import numpy as np

from valuescape.sim.codegen.compiler import UNKEPT, compiled_whole, source_key
from valuescape.sim.codegen.machine import call_at
from valuescape.sim.stepping.compiled.endings import any_ended
from valuescape.sim.stepping.compiled.tick import point_at_rows
from valuescape.sim.stepping.compiled.tick_pass import PassRows, compile_pass, pass_rows
from valuescape.sim.stepping.stepper import Rules
from valuescape.sim.worlds.interacting import CompiledStepAmong, InteractingWorld


class InteractingCode(NamedTuple):
    """The constants of the tick, beside the kernel."""

    finish: int  # the address of `sim.stepping.compiled.tick_pass`'s pass
    at: PassRows
    autoreset: bool


def interacting_code(world: InteractingWorld, rules: Rules) -> InteractingCode:
    """Return the constants of the tick of `world`."""
    finish = compile_pass(world, rules, keeps_obs=False)
    return InteractingCode(finish, pass_rows(world), rules.autoreset)


def interacting_tick(step_among: CompiledStepAmong) -> tuple[Any, str]:
    """Return the compiled tick(k, begin, end, arrays, context, code, scratch), and the key of its source.

    It makes tick k + 1 of agents [begin, end), whose actions are in `scratch.action`. It returns False if
    episodes that ended in tick k have still to begin again.
    """
    kernel = step_among.kernel

    def tick(k: Any, begin: Any, end: Any, arrays: Any, context: Any, code: Any, scratch: Any) -> Any:
        now, following = k % len(arrays.state), (k + 1) % len(arrays.state)
        kernel(
            *context,
            arrays.state[now],
            begin,
            end,
            scratch.action,
            arrays.state[following, :, begin:end],
            arrays.reward[following, begin:end],
            scratch.terminated,
        )
        point_at_rows(scratch.table, k, begin, arrays, code.at, scratch)
        call_at(code.finish, scratch.table.ctypes.data, end - begin, np.uintp(np.uint32(k + 1)))
        return not (code.autoreset and any_ended(arrays.ending[now, begin:end]))

    key = source_key(constants=step_among.key) if step_among.key else UNKEPT
    return compiled_whole(tick), key
