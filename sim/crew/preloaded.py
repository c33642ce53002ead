"""What a fork server imports for all workers, beside their own code: modules of compiled ticks.

numba completes its tables when it first compiles or finds machine code; each worker would do that again.
Performance: a worker of 70 agents takes a core for 0.09 s, one that Python starts anew for 1.0 s (EPYC).
"""

from numba.core.registry import cpu_target

from valuescape.sim.stepping.compiled import stepper, turns

__all__ = ["stepper", "turns"]

cpu_target.target_context.refresh()
