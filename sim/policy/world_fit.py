"""Compares the observations and actions of a checkpoint with those of worlds."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.action_units import in_head_units
from valuescape.sim.policy.formats.given import asked_for
from valuescape.sim.policy.network import ActorHead, Checkpoint
from valuescape.sim.worlds import WORLDS, ContinuousAction, World
from valuescape.sim.worlds.base import ActionSpace, DiscreteAction, MultiDiscreteAction
from valuescape.sim.worlds.gym_making import GYMNASIUM, is_environment
from valuescape.sim.worlds.registry import world_names

_MAX_STACK = 16


def check_world(checkpoint: Checkpoint, world: World, path: Path) -> None:
    """Raise UsageError if the checkpoint is of another world; it names the difference and fitting worlds."""
    problem = misfit(checkpoint, world)
    if problem is None:
        return
    if _is_anothers(checkpoint, world):
        raise UsageError(
            f"{path}: was trained for world {checkpoint.world}, expected {world.name}",
            f"set world.name to {checkpoint.world}, or name another checkpoint",
        )
    raise UsageError(f"{path}: {problem}", _hint(checkpoint, world))


def with_bounds(checkpoint: Checkpoint, world: World, path: Path) -> tuple[Checkpoint, str | None]:
    """Return a checkpoint that fits the world, with the world's action bounds if it lacks its own.

    And a remark on that, None if it has its own. Raises UsageError if the world has no finite ones either,
    and the actor's outputs are scaled to them.
    """
    if not checkpoint.lacks_bounds or not isinstance(world.action, ContinuousAction):
        return checkpoint, None
    low, high = world.action.low, world.action.high
    needs_bounds = checkpoint.actor_head is ActorHead.SQUASHED or checkpoint.actor_units_differ
    if needs_bounds and not np.isfinite((low, high)).all():
        raise asked_for(path, ["action_low", "action_high"])
    ends = f"{', '.join(f'{each:g}' for each in low[:4])} to {', '.join(f'{each:g}' for each in high[:4])}"
    filled = in_head_units(replace(checkpoint, action_low=low, action_high=high))
    return filled, f"does not say the actions' bounds; taken from {world.name}: {ends}"


def fitting_worlds(checkpoint: Checkpoint) -> list[str]:
    """Return the names of the worlds, ours and those of the user's files, that the checkpoint can act in."""
    return [name for name, world in WORLDS.items() if misfit(checkpoint, world()) is None]


def head_for(action: ActionSpace) -> ActorHead:
    """Return the meaning that outputs of an actor have in a world, if they are not squashed."""
    if isinstance(action, ContinuousAction):
        return ActorHead.CLIPPED
    return ActorHead.ARGMAX if isinstance(action, DiscreteAction) else ActorHead.MULTI_ARGMAX


def misfit(checkpoint: Checkpoint, world: World) -> str | None:
    """Return the reason why the checkpoint cannot act in `world`; None if it can."""
    if _is_anothers(checkpoint, world):
        return f"was trained for world {checkpoint.world}"
    found, expected = _difference(checkpoint, world)
    return f"{found}, but world {world.name} {expected}" if found else None


def bounds_remark(checkpoint: Checkpoint, world: World) -> str | None:
    """Return a remark on the first observation whose bounds in the file are narrower than in the world.

    None if there is none. A world's bounds are only the extent of its map, so this is no error.
    """
    if checkpoint.obs_bounds is None:
        return None
    for index, (variable, low, high) in enumerate(zip(world.obs, *checkpoint.obs_bounds, strict=True)):
        slack = 0.01 * (variable.high - variable.low)
        if variable.low < low - slack or variable.high > high + slack:
            return (
                f"observation {index} lies within {low:.3g} to {high:.3g} there, but {variable.name} in "
                f"{world.name} goes from {variable.low:.3g} to {variable.high:.3g}: the same world and units?"
            )
    return None


def _is_anothers(checkpoint: Checkpoint, world: World) -> bool:
    """Return whether a checkpoint says that it is of another world.

    Code of the user's own has the name by which it was named: `Rail`, `my_env:Rail`, a function that makes
    it. So for such a world a checkpoint counts whose world is none that is known here.
    """
    named = checkpoint.world
    if not named or named == world.name:
        return False
    known = is_environment(named) or named in world_names()
    own = is_environment(world.name) and not world.name.startswith(GYMNASIUM)
    return known or not own


def _difference(checkpoint: Checkpoint, world: World) -> tuple[str, str]:
    """Return a property of the checkpoint and the world's different one; "" for both if they agree."""
    if checkpoint.obs_dim != len(world.obs):
        return f"takes {checkpoint.obs_dim} observations", f"has {len(world.obs)}"
    if isinstance(world.action, ContinuousAction):
        return _continuous_difference(checkpoint, world.action)
    found, expected = _chosen(checkpoint), _sizes(world.action)
    return ("", "") if found == expected else (f"{_said(found)}", f"has {_asked(expected)}")


def _chosen(checkpoint: Checkpoint) -> tuple[int, ...]:
    """Return how many actions each choice of the checkpoint is among; () if it acts continuously."""
    single = checkpoint.actor_head is ActorHead.ARGMAX
    return (checkpoint.actor.out_dim,) if single else checkpoint.choices


def _sizes(action: ActionSpace) -> tuple[int, ...]:
    """Return how many actions each choice of a world is among."""
    assert isinstance(action, DiscreteAction | MultiDiscreteAction)
    return (action.n,) if isinstance(action, DiscreteAction) else tuple(part.n for part in action.parts)


def _said(choices: tuple[int, ...], actions: str = "actions") -> str:
    """Return what a checkpoint with these choices does."""
    if not choices:
        return "acts continuously"
    return f"chooses among {' and '.join(map(str, choices))} {actions}"


def _asked(choices: tuple[int, ...]) -> str:
    return f"{choices[0]} discrete actions" if len(choices) == 1 else f"choices among {list(choices)}"


def _continuous_difference(checkpoint: Checkpoint, action: ContinuousAction) -> tuple[str, str]:
    if checkpoint.actor_head.chooses:
        return f"{_said(_chosen(checkpoint), 'discrete actions')}", "has continuous ones"
    if checkpoint.actor.out_dim != action.dim:
        return f"has {checkpoint.actor.out_dim} actions", f"has {action.dim}"
    low, high = checkpoint.action_low, checkpoint.action_high
    if checkpoint.lacks_bounds:
        return "", ""
    if not (np.allclose(low, action.low, rtol=1e-4) and np.allclose(high, action.high, rtol=1e-4)):
        return (
            f"acts within {low.tolist()} to {high.tolist()}",
            f"takes {action.low.tolist()} to {action.high.tolist()}",
        )
    return "", ""


def _hint(checkpoint: Checkpoint, world: World) -> str:
    """Return a hint: choices to state, the worlds that fit, or the wrapper that training may have used."""
    sizes = () if isinstance(world.action, ContinuousAction) else _sizes(world.action)
    if len(sizes) > 1 and _chosen(checkpoint) == (sum(sizes),):
        return f"if its scores are of these choices: --set policy.choices={','.join(map(str, sizes))}"
    fitting = fitting_worlds(checkpoint)
    if fitting:
        return f"it fits {', '.join(fitting)}: set world.name, or name a checkpoint trained for this world"
    times, rest = divmod(checkpoint.obs_dim, len(world.obs))
    if rest == 0 and 1 < times <= _MAX_STACK:
        return f"was it trained with frames stacked, {times} at a time? that is not supported"
    if checkpoint.obs_dim == len(world.obs) and checkpoint.actor.out_dim == world.action.dim:
        return "was it trained with actions rescaled (RescaleAction)? that is not supported"
    return "name a checkpoint trained for this world; no world that is known here fits"
