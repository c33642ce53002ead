"""The smallest checkpoint format: the specification of `Format`, with one layer for each network.

Not registered; `tests/contracts/test_checkpoint_formats.py` holds it to the same contract as the others. To
add a format, copy this file, replace the bodies, and register it in `sim.policy.formats.known`.

A file is the line `valuescape-stub`, then JSON: `actor` [action_dim, obs_dim] and `critic` [obs_dim], the
weights of two linear networks; `low`, `high` [action_dim], the actions' bounds; `gamma`.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.checks import check_checkpoint, frozen
from valuescape.sim.policy.formats.registry import Format, Lack, Probe
from valuescape.sim.policy.network import Activation, ActorHead, Checkpoint, CriticKind, Layer, Mlp

MAX_BYTES = 2**20

_FIRST_LINE = b"valuescape-stub\n"
_BROKEN = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""Everything that reading a damaged file can raise."""


def recognises(probe: Probe) -> bool:
    """Return whether a file is of this format: by a mark that files of other formats do not have."""
    return probe.head.startswith(_FIRST_LINE)


def load(path: Path) -> Checkpoint:
    """Return the checkpoint in a file. Raises UsageError, naming the file, if it is not sound."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)  # bounded before it is read
        if len(content) > MAX_BYTES:
            raise UsageError(f"{path}: has more than {MAX_BYTES // 2**20} MiB")
        fields = json.loads(content.removeprefix(_FIRST_LINE))  # as data; nothing is run
        return check_checkpoint(_checkpoint(path, fields), path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}", "check the path") from error
    except _BROKEN as error:
        raise UsageError(f"{path}: is damaged: {error}", "get the file again") from error


def _checkpoint(path: Path, fields: dict[str, Any]) -> Checkpoint:
    actor, critic = (_linear(path, name, np.atleast_2d(fields[name])) for name in ("actor", "critic"))
    return Checkpoint(
        algorithm="stub",
        world="",  # not in the file: `lacks` says so
        obs_dim=actor.in_dim,
        actor=actor,
        actor_head=ActorHead.CLIPPED,
        critics=(critic,),
        critic_kind=CriticKind.STATE_VALUE,
        action_low=frozen(path, "low", fields["low"]),
        action_high=frozen(path, "high", fields["high"]),
        obs_normalization=None,
        gamma=float(fields["gamma"]),
    )


def _linear(path: Path, name: str, weight: Any) -> Mlp:
    bias = np.zeros(len(weight), np.float32)
    return Mlp((Layer(frozen(path, name, weight), frozen(path, name, bias), Activation.IDENTITY),))


FORMAT = Format(
    name="stub",
    container="stub",
    recognises=recognises,
    load=load,
    lacks=frozenset({Lack.WORLD, Lack.STATISTICS}),
    suffixes=(".stub",),
)
