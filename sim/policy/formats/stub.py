"""The smallest checkpoint format: the specification of a library's format, with one layer for each network.

Not registered; `tests/contracts/test_checkpoint_formats.py` holds it to the same contract as the others. To
add a library's format, copy this file to `libraries/`, replace the bodies, and register it in
`sim.policy.formats.known`. `registry.py` lists the steps; `chains.chain` makes networks of named tensors, and
`torch_data.read_torch` reads torch's files.

A file is the line `valuescape-stub`, then JSON: `actor` [action_dim, obs_dim] and `critic` [obs_dim], the
weights of two linear networks; `low`, `high` [action_dim], the actions' bounds; and perhaps `gamma`.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from valuescape.sim.policy.formats.chains import chain
from valuescape.sim.policy.formats.files import read_bounded
from valuescape.sim.policy.formats.found import Found
from valuescape.sim.policy.formats.given import Given
from valuescape.sim.policy.formats.library_format import library_format
from valuescape.sim.policy.formats.registry import Lack, Probe
from valuescape.sim.policy.network import Activation, ActorHead, CriticKind

MAX_BYTES = 2**20

_FIRST_LINE = b"valuescape-stub\n"


def recognises(probe: Probe) -> bool:
    """Return whether a file is of this format: by a mark that files of other formats do not have."""
    return probe.head.startswith(_FIRST_LINE)


def read(path: Path, given: Given) -> Found:
    """Return the networks in a file; `library_format` asks for `gamma` if the file does not say it.

    given: what the user states; of use here only if it decides how the file is read.
    """
    content = read_bounded(path, MAX_BYTES)  # bounded before it is read
    fields: dict[str, Any] = json.loads(content.removeprefix(_FIRST_LINE))  # as data; nothing is run
    tensors = {f"{name}.weight": np.atleast_2d(fields[name]) for name in ("actor", "critic")}
    return Found(
        algorithm="stub",
        actor=chain(path, tensors, "actor", hidden=Activation.TANH),
        head=ActorHead.CLIPPED,
        critics=(chain(path, tensors, "critic", hidden=Activation.TANH),),
        critic_kind=CriticKind.STATE_VALUE,
        action_low=fields["low"],
        action_high=fields["high"],
        gamma=fields.get("gamma"),
        tensors=tensors,
    )


FORMAT = library_format(
    "stub",
    "stub",
    recognises,
    read,
    library="no library",
    lacks=frozenset({Lack.WORLD, Lack.STATISTICS}),
    suffixes=(".stub",),
)
