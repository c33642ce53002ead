"""PufferLib's `model_*.pt`: its default policy, as a state dict (release 3) or a whole module (before).

Release 3: `encoder.0.weight` (then GELU), `decoder.weight` or `decoder_mean.weight` and `decoder_logstd`,
`value.weight`; of observations in a dict, `encoder.weight` without an activation. Releases 1 and 2:
`encoder.weight` (then ReLU), `value_head.weight`. `policy.` may come before. With an LSTM in between it is
refused. Gamma is not in the file.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats.chains import Chain, chain, constant_layer, layer_names
from valuescape.sim.policy.formats.files import BROKEN
from valuescape.sim.policy.formats.found import Found
from valuescape.sim.policy.formats.given import Given
from valuescape.sim.policy.formats.libraries.state_dicts import (
    not_linear,
    plain_names,
    prefix_of,
    require_linear,
    under,
)
from valuescape.sim.policy.formats.library_format import library_format
from valuescape.sim.policy.formats.registry import Lack, Probe
from valuescape.sim.policy.formats.torch_data import read_torch
from valuescape.sim.policy.network import ActionNoise, Activation, ActorHead, CriticKind

_VALUES = ("value", "value_head")
_DECODERS = ("decoder", "decoder_mean", "decoder.0")
_RECURRENT = re.compile(r"(^|\.)(lstm|cell|recurrent)\.weight_(ih|hh)")


def recognises(probe: Probe) -> bool:
    """Return whether a file has the names of PufferLib's default policy."""
    try:
        return _prefix(plain_names(probe.torch)) is not None
    except BROKEN:
        return False


def _prefix(tensors: Mapping[str, Any]) -> str | None:
    """Return what is before the names of the policy; None if they are not PufferLib's."""
    for ending in (f"{name}.weight" for name in _DECODERS):
        prefix = prefix_of(tensors, ending)
        if prefix is None:
            continue
        own = under(tensors, prefix)
        if any(f"{name}.weight" in own for name in _VALUES) and any(
            name.startswith("encoder.") for name in own
        ):
            return prefix
    return None


def read(path: Path, given: Given) -> Found:
    """Return the networks of a policy."""
    tensors = plain_names(read_torch(path))
    lstm = next((name for name in tensors if _RECURRENT.search(name)), None)
    if lstm is not None:
        raise not_linear(path, lstm, tensors[lstm], tensors)
    own = under(tensors, _prefix(tensors) or "")
    continuous = "decoder_mean.weight" in own
    decoders = layer_names(own, "decoder_mean" if continuous else "decoder")
    if len(decoders) > 1:
        raise UsageError(
            f"{path}: has {len(decoders)} decoders, one for each of several actions", "use another"
        )
    value = next(name for name in _VALUES if f"{name}.weight" in own)
    actor, critic = (_behind_encoder(path, own, name, value) for name in (decoders[0], value))
    noise = None
    if continuous:
        width = actor.linears[-1].layer.weight.shape[1]
        noise = ActionNoise(constant_layer(path, "decoder_logstd", own["decoder_logstd"], width))
    return Found(
        algorithm="ppo",
        actor=actor,
        head=ActorHead.CLIPPED if continuous else ActorHead.ARGMAX,
        critics=(critic,),
        critic_kind=CriticKind.STATE_VALUE,
        noise=noise,
        tensors=tensors,
    )


def _behind_encoder(path: Path, own: Mapping[str, Any], name: str, value: str) -> Chain:
    """Return the encoder and one head. What is between them is unknown of encoders of other kinds."""
    require_linear(path, own, "encoder", name)
    encoder, head = chain(path, own, "encoder"), chain(path, own, name)
    layers = layer_names(own, "encoder")
    if layers == ["encoder.0"]:
        between = Activation.GELU
    elif layers == ["encoder"]:
        between = Activation.RELU if value == "value_head" else Activation.IDENTITY
    else:
        return encoder.then(head)
    return Chain((*encoder.ending(between).linears, *head.linears))


FORMAT = library_format(
    "pufferlib",
    "torch",
    recognises,
    read,
    library="PufferLib",
    lacks=frozenset({Lack.WORLD}),
)
