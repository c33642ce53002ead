"""Chooses between compiled and plain code: the stepper of a slice, and the protocol between workers."""

import re
import sys
from pathlib import Path

import numpy as np

from valuescape.sim.arrays import Float32Array
from valuescape.sim.codegen import available
from valuescape.sim.config.files import Config
from valuescape.sim.errors import UsageError
from valuescape.sim.measuring.profiler import SpanRing
from valuescape.sim.policy.inference import BatchPolicy
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.policy.numbers import policy_numbers
from valuescape.sim.shared.turns import Turns
from valuescape.sim.stepping.gym_stepper import GymStepper
from valuescape.sim.stepping.gym_vector_stepper import GymVectorStepper
from valuescape.sim.stepping.shared_policy import NO_NUMBERS, acting_in
from valuescape.sim.stepping.spec import WorkerSpec
from valuescape.sim.stepping.stepper import Stepper
from valuescape.sim.stepping.systems import SystemsStepper
from valuescape.sim.stepping.tabulated import (
    TableError,
    require_table,
    table_of,
    table_size,
    tabulation_error,
)
from valuescape.sim.stepping.tiles import can_compile, tiled_numbers
from valuescape.sim.worlds import World, make_world
from valuescape.sim.worlds.base import ElementwiseWorld
from valuescape.sim.worlds.gymnasium_world import GymnasiumWorld
from valuescape.sim.worlds.interacting import InteractingWorld
from valuescape.sim.worlds.systems.arrays import SystemsWorld

_MEANINGLESS = ("Failed in nopython", "During: ", "File ", ">>>", "-", "<source")
"""Beginnings of lines in numba's messages that tell the author of a world nothing."""


def uses_simd(config: Config) -> bool:
    """Return whether ticks and waiting are compiled: `features.simd` is on and numba is installed."""
    return config.features.simd and available()


def uses_bfloat16(config: Config) -> bool:
    """Return whether compiled policies multiply hidden units as bfloat16: asked for, and possible."""
    if config.policy.precision != "bfloat16" or not uses_simd(config):
        return False
    from valuescape.sim.stepping.compiled.vectors import HAS_BFLOAT16

    return HAS_BFLOAT16


def make_stepper(spec: WorkerSpec) -> Stepper:
    """Return the stepper for the slice `spec` names; also used without processes.

    Compiled where `uses_simd` and world and policy have a compiled form. Raises UsageError if a world that
    should have one cannot be compiled.
    """
    world = make_world(spec.config.world.name, spec.config)
    if _is_compiled(spec.config, world, spec.checkpoint):
        return _compiled_stepper(spec, world)
    return _plain_stepper(spec, world)


def _is_compiled(config: Config, world: World, checkpoint: Checkpoint | None) -> bool:
    """Return whether ticks of a world with a policy are compiled."""
    both = isinstance(world, ElementwiseWorld | InteractingWorld) and can_compile(checkpoint)
    return both and uses_simd(config)


def acting_numbers(config: Config, world: World, checkpoint: Checkpoint | None) -> Float32Array:
    """Return the numbers of a policy in the form in which steppers of `world` read them; [0] without one."""
    table = table_of(checkpoint, world, config.policy.tabulated) if checkpoint else NO_NUMBERS
    return np.concatenate([_network_numbers(config, world, checkpoint), table])


def acting_count(config: Config, world: World, checkpoint: Checkpoint | None) -> int:
    """Return how many numbers `acting_numbers` returns."""
    table = table_size(checkpoint, config.policy.tabulated) if checkpoint else 0
    return _network_numbers(config, world, checkpoint).size + table


def _network_numbers(config: Config, world: World, checkpoint: Checkpoint | None) -> Float32Array:
    if checkpoint is None:
        return NO_NUMBERS
    # Where agents see each other the plain path decides on actions.
    if isinstance(world, ElementwiseWorld) and _is_compiled(config, world, checkpoint):
        return tiled_numbers(checkpoint, bfloat16=uses_bfloat16(config))
    return policy_numbers(checkpoint)


def require_tabulable(config: Config, world: World, checkpoint: Checkpoint | None) -> None:
    """Raise UsageError, which names what does not fit, if the actor cannot be tabulated as configured."""
    cells = config.policy.tabulated
    if cells:
        compiled = isinstance(world, ElementwiseWorld) and _is_compiled(config, world, checkpoint)
        require_table(cells, world, checkpoint, is_compiled=compiled)


def tabulation_of(config: Config, world: World, checkpoint: Checkpoint | None) -> TableError | None:
    """Return how far actions are from the network's where the actor is tabulated; None where it is not."""
    if not (checkpoint and config.policy.tabulated):
        return None
    return tabulation_error(checkpoint, world, config.policy.tabulated)


def make_turns(spec: WorkerSpec) -> Turns:
    """Return the protocol between the workers that `spec` has bells of, compiled or plain."""
    assert spec.main_bell
    if uses_simd(spec.config):
        from valuescape.sim.stepping.compiled.turns import CompiledTurns

        return CompiledTurns(spec.arena, spec.bells, spec.main_bell)
    return Turns(spec.arena, spec.bells, spec.main_bell)


def _plain_stepper(spec: WorkerSpec, world: World) -> Stepper:
    policy = None
    if spec.checkpoint:
        policy = BatchPolicy(acting_in(spec.arena, spec.checkpoint), world.action, spec.agents)
    if isinstance(world, SystemsWorld):
        disables, spans = spec.config.plugins.on_error == "disable", _spans(spec)
        return SystemsStepper(
            spec.arena, spec.part, world, policy, spec.rules, disables=disables, spans=spans
        )
    kind = Stepper
    if isinstance(world, GymnasiumWorld):
        kind = GymVectorStepper if world.making.is_vector else GymStepper
    return kind(spec.arena, spec.part, world, policy, spec.rules)


def _spans(spec: WorkerSpec) -> SpanRing | None:
    """Return the ring of the worker's profiler; None if the arena has none."""
    if not spec.arena.layout.spans:
        return None
    return SpanRing(spec.arena["spans"][spec.index], spec.arena["span_count"][spec.index])


def _compiled_stepper(spec: WorkerSpec, world: World) -> Stepper:
    from numba.core.errors import NumbaError

    from valuescape.sim.stepping.compiled.stepper import make_compiled_stepper

    try:
        return make_compiled_stepper(spec.arena, spec.part, world, spec.checkpoint, spec.rules)
    except (NumbaError, TypeError) as error:  # numbers that are not float32 are a TypeError of ours
        raise UsageError(
            _refused(world, error),
            "use valuescape.api's functions and np.float32 constants, or --set features.simd=false",
        ) from error


def _refused(world: World, error: Exception) -> str:
    """Return which world or system the compiler refuses, and why."""
    from valuescape.sim.stepping.compiled.faults import faulty_system

    system = faulty_system(world) if isinstance(world, ElementwiseWorld) else None
    if system:
        file = system.function.__code__.co_filename
        return f"{system} cannot be compiled: {_compilers_reason(error, file)}"
    file = str(getattr(sys.modules.get(type(world).__module__), "__file__", "") or "-")
    return f"world {world.name} cannot be compiled: {_compilers_reason(error, file)}"


def _compilers_reason(error: Exception, file: str) -> str:
    """Return the most telling line of a compiler's message, after the line of `file` that it means."""
    lines = [line.strip() for line in str(error).splitlines()]
    telling = (line for line in lines if line and not line.startswith(_MEANINGLESS))
    reason = next(telling, type(error).__name__)
    reason = re.sub(r"Function\(<(?:built-in )?function (\w+)[^>]*>\)", r"\1", reason)
    where = re.search(re.escape(file) + r" \((\d+)\)", str(error))
    where = where or re.search(re.escape(Path(file).name) + r'", line (\d+)', str(error))
    return f"{Path(file).name} line {where[1]}: {reason[:120]}" if where else reason[:120]
