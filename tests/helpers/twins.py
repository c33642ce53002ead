"""The same crowd twice: stepped by NumPy and compiled, and what must be equal then."""

import pytest
from lives import lives_of, stage

from valuescape.sim.policy.inference import BatchPolicy
from valuescape.sim.stepping.stepper import Stepper
from valuescape.sim.worlds import WORLDS
from valuescape.sim.worlds.base import ElementwiseWorld

pytest.importorskip("numba")

from valuescape.sim.stepping.compiled.stepper import make_compiled_stepper

ELEMENTWISE = [name for name, world in WORLDS.items() if issubclass(world, ElementwiseWorld)]


def assert_same_lives(ours, theirs):
    assert ours.keys() == theirs.keys()
    for name in ours:
        if ours[name].tobytes() != theirs[name].tobytes():
            tick = next(
                i for i, pair in enumerate(zip(ours[name], theirs[name], strict=True)) if _differ(pair)
            )
            pytest.fail(f"{name} differs in tick {tick}: {ours[name][tick]}, {theirs[name][tick]}")


def _differ(pair):
    return pair[0].tobytes() != pair[1].tobytes()


def twins(world, agents, ticks, checkpoint=None, before_tick=None, **rules):
    """The same lives, plain and compiled, and both arenas' steppers."""
    lives = []
    for compiles in (False, True):
        arena, its_rules = stage(world, agents, **rules)
        part = slice(0, agents)
        policy = BatchPolicy(checkpoint, world.action, agents) if checkpoint else None
        stepper = (
            make_compiled_stepper(arena, part, world, checkpoint, its_rules)
            if compiles
            else Stepper(arena, part, world, policy, its_rules)
        )
        lives.append(lives_of(stepper, ticks, before_tick(stepper) if before_tick else lambda tick: None))
    return lives


def assert_eventful(seen):
    """Not one of the episodes of `seen` that end and begin again may be missing from a comparison."""
    assert seen["finished_count"][-1].all()
    assert (seen["number"][-1] > 0).all()
