"""Chooses between compiled and plain code: the stepper of a slice, and the protocol between workers."""

import re
import sys
from pathlib import Path

from valuescape.sim.codegen import available
from valuescape.sim.config.files import Config
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.inference import BatchPolicy
from valuescape.sim.shared.turns import Turns
from valuescape.sim.stepping.gym_stepper import GymStepper
from valuescape.sim.stepping.spec import WorkerSpec
from valuescape.sim.stepping.stepper import Stepper
from valuescape.sim.worlds import World, make_world
from valuescape.sim.worlds.base import ElementwiseWorld
from valuescape.sim.worlds.gymnasium_world import GymnasiumWorld
from valuescape.sim.worlds.interacting import InteractingWorld

_MEANINGLESS = ("Failed in nopython", "During: ", "File ", ">>>", "-", "<source")
"""Beginnings of lines in numba's messages that tell the author of a world nothing."""


def uses_simd(config: Config) -> bool:
    """Return whether ticks and waiting are compiled: `features.simd` is on and numba is installed."""
    return config.features.simd and available()


def make_stepper(spec: WorkerSpec) -> Stepper:
    """Return the stepper for the slice `spec` names; also used without processes.

    Compiled where `uses_simd` and world and policy have a compiled form. Raises UsageError if a world that
    should have one cannot be compiled.
    """
    world = make_world(spec.config.world.name, spec.config)
    if uses_simd(spec.config) and isinstance(world, ElementwiseWorld | InteractingWorld):
        from valuescape.sim.stepping.compiled.network import can_compile

        if can_compile(spec.checkpoint):
            return _compiled_stepper(spec, world)
    return _plain_stepper(spec, world)


def make_turns(spec: WorkerSpec) -> Turns:
    """Return the protocol between the workers that `spec` has bells of, compiled or plain."""
    assert spec.main_bell
    if uses_simd(spec.config):
        from valuescape.sim.stepping.compiled.turns import CompiledTurns

        return CompiledTurns(spec.arena, spec.bells, spec.main_bell)
    return Turns(spec.arena, spec.bells, spec.main_bell)


def _plain_stepper(spec: WorkerSpec, world: World) -> Stepper:
    policy = BatchPolicy(spec.checkpoint, world.action, spec.agents) if spec.checkpoint else None
    kind = GymStepper if isinstance(world, GymnasiumWorld) else Stepper
    return kind(spec.arena, spec.part, world, policy, spec.rules)


def _compiled_stepper(spec: WorkerSpec, world: World) -> Stepper:
    from numba.core.errors import NumbaError

    from valuescape.sim.stepping.compiled.stepper import make_compiled_stepper

    try:
        return make_compiled_stepper(spec.arena, spec.part, world, spec.checkpoint, spec.rules)
    except (NumbaError, TypeError) as error:  # numbers that are not float32 are a TypeError of ours
        raise UsageError(
            f"world {world.name} cannot be compiled: {_compilers_reason(error, type(world).__module__)}",
            "use valuescape.api's functions and np.float32 constants, or --set features.simd=false",
        ) from error


def _compilers_reason(error: Exception, module: str) -> str:
    """Return the most telling line of a compiler's message, after the line of the world's file it means."""
    file = str(getattr(sys.modules.get(module), "__file__", "") or "-")
    lines = [line.strip() for line in str(error).splitlines()]
    telling = (line for line in lines if line and not line.startswith(_MEANINGLESS))
    reason = next(telling, type(error).__name__)
    reason = re.sub(r"Function\(<(?:built-in )?function (\w+)[^>]*>\)", r"\1", reason)
    where = re.search(re.escape(file) + r" \((\d+)\)", str(error))
    where = where or re.search(re.escape(Path(file).name) + r'", line (\d+)', str(error))
    return f"{Path(file).name} line {where[1]}: {reason[:120]}" if where else reason[:120]
