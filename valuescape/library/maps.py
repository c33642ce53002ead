"""Maps of a model: what its critic believes, what follows in truth, and all else that a run can show."""

from collections.abc import Callable
from typing import Any, TypedDict, Unpack

import numpy as np

from valuescape.keywords import require_known
from valuescape.library.arguments import whole
from valuescape.library.grid import Estimated, Map
from valuescape.library.loading import ModelSource, load
from valuescape.library.model import Model
from valuescape.library.origin import origin_of
from valuescape.library.pictures import Look
from valuescape.library.planes import Axes, Slice, plane_of
from valuescape.sim.arrays import Float64Array
from valuescape.sim.codegen.notice import CompilationNeededError, kept_only
from valuescape.sim.crew.preparing import compile_apart
from valuescape.sim.errors import UsageError
from valuescape.sim.insight.plane import MapPlane, grid_obs, grid_states
from valuescape.sim.policy.inference import value
from valuescape.sim.resources import one_blas_thread, usable_cores
from valuescape.sim.rollouts.choose import StateRollouts, state_rollouts, try_rollout, try_rollout_of
from valuescape.sim.rollouts.field import TruthField
from valuescape.sim.rollouts.judging import judging_rules, return_in_words, rollouts_differ, soft_alpha
from valuescape.sim.rollouts.rules import RolloutRules

MOST_CELLS = 4096
_LOOK_S = 0.1


def value_map(
    model: ModelSource,
    cells: int = 64,
    *,
    axes: Axes = None,
    slice: Slice = None,  # noqa: A002 (the name of the setting)
) -> Map:
    """Return the critic's V(s) over a plane of states: its belief.

    cells: each way. axes: the state variables along x and y, ("theta", "velocity"); None for the world's own.
    slice: values of the others, {"velocity": 0.5}; those left out have the world's own. Raises UsageError if
    they do not fit the world, or for a model without a critic.
    """
    found = load(model)
    plane = plane_of(found, axes, slice)
    origin = origin_of(found, "value", plane, _cells(cells))
    return Map(
        _believed(found, plane, cells),
        plane,
        "value",
        "V(s)",
        "belief: the critic's value",
        "",
        "return",
        source=found.source,
        origin=origin,
    )


def _cells(cells: int) -> int:
    return whole(cells, "cells", 2, MOST_CELLS)


def _believed(model: Model, plane: MapPlane, edge: int) -> Float64Array:
    if not model.checkpoint.critics:
        raise UsageError(f"{model.source}: has no critic, so it believes nothing")
    with one_blas_thread(), np.errstate(all="ignore"):
        values = value(model.checkpoint, grid_obs(plane, edge))
    return values.astype(np.float64).reshape(edge, edge)


class TruthOptions(TypedDict, total=False):
    """Further options of `truth_map`."""

    time_limit: bool
    """Whether rollouts end at the world's time limit; otherwise gamma ends them."""
    entropy_coefficient: float | None
    """SAC's or TQC's, in units of the world's rewards; None takes the file's."""
    threads: int | None
    """Threads that make rollouts; None: one for each core. The values are the same for any number."""
    on_progress: Callable[[float], object]
    """Called ten times a second with the share that is done; if it returns False, what is there counts."""


def truth_map(
    model: ModelSource,
    cells: int = 64,
    rollouts: int = 64,
    seed: int = 0,
    *,
    axes: Axes = None,
    slice: Slice = None,  # noqa: A002 (the name of the setting)
    **options: Unpack[TruthOptions],
) -> Map:
    """Return the mean return that follows from each cell under the model's policy: the truth.

    The policy acts as in training, and returns are discounted, of SAC soft: what its critic learned to
    predict. rollouts: from each cell, if chance has a part in them; otherwise one is enough. seed: of all
    chance; equal seeds give equal maps. axes, slice: as of `value_map`. options: see `TruthOptions`.

    `half_width` is half the 95 % interval of each mean; `estimated.truth` has lengths, ends and numbers of
    the rollouts. KeyboardInterrupt ends the threads within a fifth of a second and leaves nothing running.
    The first map of a world on a machine waits for its machine code, for a quarter of a minute. Raises
    UsageError for a world whose agents cannot be put into a state.
    """
    require_known(options, TruthOptions, "truth_map")
    found = load(model)
    plane = plane_of(found, axes, slice)
    rules = _rules(found, whole(seed, "seed", 0), options)
    number = whole(rollouts, "rollouts", 2, 10_000)
    estimated = _estimate(found, plane, (_cells(cells), number), rules, options)
    said = return_in_words(found.checkpoint, rules, number if estimated.random else 1)
    truth = estimated.truth
    return Map(
        truth.value,
        plane,
        "truth",
        "G(s)",
        f"truth: {said}",
        "",
        "return",
        truth.half_width if estimated.random else None,
        look=Look(reference=True),
        source=found.source,
        estimated=estimated,
        origin=origin_of(found, "truth", plane, cells, settings=_settings(seed, number, options)),
    )


def _settings(seed: int, rollouts: int, options: TruthOptions) -> dict[str, Any]:
    """Return the settings that the arguments of a truth stand for."""
    alpha = options.get("entropy_coefficient")
    return {
        "run.seed": seed,
        "insight.rollouts": max(2, rollouts),
        "insight.time_limit": options.get("time_limit", False),
        "policy.entropy_coefficient": "file" if alpha is None else alpha,
    }


def _rules(model: Model, seed: int, options: TruthOptions) -> RolloutRules:
    return judging_rules(
        model.checkpoint,
        model.world,
        time_limit=options.get("time_limit", False),
        seed=seed,
        alpha=soft_alpha(model.checkpoint, options.get("entropy_coefficient")),
    )


def _estimate(
    model: Model, plane: MapPlane, sizes: tuple[int, int], rules: RolloutRules, options: TruthOptions
) -> Estimated:
    """Make the rollouts. sizes: cells each way, and rollouts from each."""
    edge, number = sizes
    tell: Callable[[float], object] = options.get("on_progress") or (lambda _: None)
    threads = whole(options.get("threads") or usable_cores(), "threads", 1, 256)
    random = rollouts_differ(model.checkpoint, rules)
    with np.errstate(all="ignore"):
        made_by = _rollouts(model, rules)
        with TruthField(made_by, grid_states(plane, edge), number, random=random, threads=threads) as field:
            while not field.wait(_LOOK_S):
                if tell(field.progress) is False:
                    break
            truth = field.look()
            if truth.progress == 1:
                tell(1.0)
            return Estimated(truth, field.random)


def _rollouts(model: Model, rules: RolloutRules) -> StateRollouts:
    """Return what makes the rollouts; another process compiles machine code that is missing."""
    simd = model.config.features.simd
    try:
        with kept_only():
            try_rollout(model.world, model.checkpoint, simd=simd)
    except CompilationNeededError:
        compile_apart(model.config, model.checkpoint, lambda: None, try_rollout_of)
    return state_rollouts(model.world, model.checkpoint, rules, simd=simd)
