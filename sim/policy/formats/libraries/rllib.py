"""RLlib's checkpoints with PyTorch: folders of an Algorithm or an RLModule, or `module_state.pkl` in one.

The old API stack (`policy_state.pkl`) is not read, and the new one's MessagePack neither.
`module_state.pkl` has NumPy arrays by name. PPO: `encoder.actor_encoder` and `critic_encoder`, or
`encoder.encoder` for both, `pi` and `vf`. DQN: `encoder`, `af` and `vf` (dueling).
`class_and_ctor_args.pkl` beside it has the spaces and the activation, and the Algorithm's own has gamma;
all are read as data.

Statistics of a MeanStdFilter are in connectors, and are not read. Actions of -1 to 1 are scaled to the
bounds, as `normalize_actions` does by default. Recurrent modules, images, SAC and several modules in
one checkpoint are refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.checks import frozen
from valuescape.sim.policy.formats.chains import Chain, chain, constant_layer, layer, layer_names
from valuescape.sim.policy.formats.files import BROKEN
from valuescape.sim.policy.formats.found import Found
from valuescape.sim.policy.formats.given import Given
from valuescape.sim.policy.formats.libraries.running_statistics import outputs
from valuescape.sim.policy.formats.libraries.state_dicts import not_linear, require_linear, side_by_side
from valuescape.sim.policy.formats.library_format import library_format
from valuescape.sim.policy.formats.pickle_data import Record
from valuescape.sim.policy.formats.registry import Lack, Probe
from valuescape.sim.policy.formats.torch_data import named_tensors, read_pickled
from valuescape.sim.policy.network import ActionNoise, Activation, ActorHead, CriticKind

_STATE = "module_state.pkl"
_ABOUT = "class_and_ctor_args.pkl"
_MODULES = "learner_group/learner/rl_module"
_ACTIVATIONS = {
    **{each.value: each for each in Activation},
    **{"swish": Activation.SILU, "linear": Activation.IDENTITY},
}
_SCALED = (
    "actions of -1 to 1 are scaled to the world's bounds, RLlib's default; "
    "with normalize_actions=False state --set policy.head=clipped"
)
_FILTER = (
    "statistics of a MeanStdFilter are not read: if there was one, give them with --obs-normalization FILE"
)


def recognises(probe: Probe) -> bool:
    """Return whether a file is the state of an RLModule."""
    return probe.head.startswith(b"\x80") and probe.path.name == _STATE


def recognises_folder(probe: Probe) -> bool:
    """Return whether a folder is a checkpoint of an Algorithm or of an RLModule."""
    try:
        return probe.is_folder and bool(_modules(probe.path))
    except OSError:
        return False


def _modules(folder: Path) -> list[Path]:
    """Return the folders with the state of an RLModule in a checkpoint."""
    if (folder / _STATE).is_file():
        return [folder]
    for place in (folder / _MODULES, folder):
        if place == folder and not (folder / _ABOUT).is_file():
            continue
        inside = sorted(each.parent for each in place.glob(f"*/{_STATE}"))
        if inside:
            return inside
    return []


def read(path: Path, given: Given) -> Found:
    """Return the networks of a state."""
    return _read(path.parent, given)


def read_folder(path: Path, given: Given) -> Found:
    """Return the networks in a folder."""
    found = _modules(path)
    if len(found) > 1:
        names = ", ".join(each.name for each in found)
        raise UsageError(f"{path}: has the modules {names}", f"name the folder of one: {found[0]}")
    return _read(found[0], given)


@dataclass(frozen=True, slots=True)
class _About:
    """What `class_and_ctor_args.pkl` says of a module. discrete: None if it does not say the actions."""

    discrete: int | None
    low: np.ndarray[Any, Any] | None
    high: np.ndarray[Any, Any] | None
    body: Activation | None
    heads: Activation | None


def _read(folder: Path, given: Given) -> Found:
    path = folder / _STATE
    tensors = named_tensors(read_pickled(path))
    own = {name: each for name, each in tensors.items() if "log_std_clip_param_const" not in name}
    recurrent = next((name for name in own if "weight_ih" in name or "weight_hh" in name), None)
    if recurrent is not None:
        raise not_linear(path, recurrent, own[recurrent], own)
    about = _about(folder)
    parts = _Parts(path, own, about)
    if layer_names(own, "af"):
        found = parts.dqn()
    elif layer_names(own, "qf"):
        raise UsageError(
            f"{path}: is RLlib's SAC, whose critics encode observations and actions apart; it is not read",
            "use a PPO, or a DQN",
        )
    elif layer_names(own, "pi") and layer_names(own, "vf"):
        found = parts.ppo(given)
    else:
        raise UsageError(f"{path}: has no networks of RLlib's PPO or DQN", "it is not read")
    return Found(
        **found,
        action_low=about.low,
        action_high=about.high,
        gamma=_gamma(folder),
        tensors=tensors,
    )


class _Parts:
    """The networks of one state."""

    def __init__(self, path: Path, tensors: Mapping[str, Any], about: _About) -> None:
        self._path, self._tensors, self._about = path, tensors, about

    def network(self, encoder: str, head: str) -> Chain:
        """Return an encoder, with the activation behind it, and the head on it."""
        require_linear(self._path, self._tensors, encoder, f"{head}.net")
        body = chain(self._path, self._tensors, encoder, hidden=self._about.body)
        top = chain(self._path, self._tensors, f"{head}.net", hidden=self._about.heads)
        if self._about.body is None:
            return body.then(top)
        if body.out_dim != top.in_dim:
            raise UsageError(f"{self._path}: {encoder} has {body.out_dim} outputs, {head} takes {top.in_dim}")
        return Chain((*body.ending(self._about.body).linears, *top.linears))

    def ppo(self, given: Given) -> dict[str, Any]:
        """Return the parts of what was found of PPO, APPO or IMPALA."""
        shared = bool(layer_names(self._tensors, "encoder.encoder"))
        names = ["encoder.encoder"] * 2 if shared else ["encoder.actor_encoder", "encoder.critic_encoder"]
        actor, critic = self.network(names[0], "pi"), self.network(names[1], "vf")
        found = {
            "algorithm": "ppo",
            "critics": (critic,),
            "critic_kind": CriticKind.STATE_VALUE,
        }
        if self._about.discrete is not None:
            return found | {"actor": actor, "head": ActorHead.ARGMAX, "remarks": (_FILTER,)}
        means, noise = self._gaussian(actor, "pi")
        scaled = given.head is not ActorHead.CLIPPED
        return found | {
            "actor": means,
            "head": ActorHead.CLIPPED,
            "noise": noise,
            "actor_units_differ": scaled,
            "remarks": (*([_SCALED] if scaled else []), _FILTER),
        }

    def dqn(self) -> dict[str, Any]:
        """Return the parts of what was found of DQN."""
        body = self._about.body
        heads = [name for name in ("af", "vf") if layer_names(self._tensors, name)]
        networks = [self.network("encoder", name) for name in heads]
        actions = networks[0].out_dim
        if self._about.discrete not in (None, actions):
            raise UsageError(
                f"{self._path}: has {actions} outputs for {self._about.discrete} actions", "it is not read"
            )
        if len(networks) == 1:
            network = networks[0]
        else:
            mixing = [np.eye(actions) - 1 / actions, np.ones((actions, 1))]
            tops = [
                chain(self._path, self._tensors, f"{name}.net", hidden=self._about.heads) for name in heads
            ]
            encoder = chain(self._path, self._tensors, "encoder", hidden=body)
            joined = side_by_side(tops, mixing)
            encoder = encoder.ending(body) if body is not None else encoder
            network = Chain((*encoder.linears, *joined.linears)) if body is not None else encoder.then(joined)
        return {
            "algorithm": "dqn",
            "actor": network,
            "head": ActorHead.ARGMAX,
            "critics": (network,),
            "critic_kind": CriticKind.DISCRETE_ACTION_VALUE,
            "remarks": (_FILTER,),
        }

    def _gaussian(self, both: Chain, head: str) -> tuple[Chain, ActionNoise | None]:
        """Return the means of an actor's outputs, and the deviations: outputs too, or parameters."""
        free = next(
            (name for name in self._tensors if name.startswith(f"{head}.") and "log_std" in name), None
        )
        hidden = both.linears[-1].layer.weight.shape[1]
        if free is not None:
            values = np.asarray(self._tensors[free], np.float64).ravel()
            return both, ActionNoise(constant_layer(self._path, free, values, hidden))
        if both.out_dim % 2:
            raise UsageError(f"{self._path}: {head} has {both.out_dim} outputs, no pairs", "it is not read")
        middle = both.out_dim // 2
        last = layer(self._path, self._tensors, both.linears[-1].name)
        spread = type(last)(
            frozen(self._path, "log std", last.weight[middle:]),
            frozen(self._path, "log std", last.bias[middle:]),
            Activation.IDENTITY,
        )
        return outputs(self._path, both, slice(0, middle)), ActionNoise(spread)


def _about(folder: Path) -> _About:
    """Return the spaces and activations of a module. Raises UsageError if its file is not there."""
    path = folder / _ABOUT
    if not path.is_file():
        raise UsageError(
            f"{folder}: lacks {_ABOUT}, which says the actions and the activation", "copy the whole folder"
        )
    tree = read_pickled(path)
    _, options = tree["ctor_args_and_kwargs"]
    space, config = options["action_space"], options.get("model_config")
    settings = config.state if isinstance(config, Record) else config
    settings = settings if isinstance(settings, dict) else {}
    body, heads = (
        _ACTIVATIONS.get(str(settings.get(name)).lower())
        for name in ("fcnet_activation", "head_fcnet_activation")
    )
    kind = space.name.name if isinstance(space, Record) else ""
    if kind == "Discrete":
        return _About(int(space.state["n"]), None, None, body, heads or body)
    if kind == "Box":
        low, high = (np.asarray(space.state[name], np.float64).ravel() for name in ("low", "high"))
        bounded = np.isfinite(low).all() and np.isfinite(high).all()
        return _About(None, low if bounded else None, high if bounded else None, body, heads or body)
    raise UsageError(
        f"{path}: its actions are {kind or 'of no kind that is known'}", "expected Box or Discrete"
    )


def _gamma(folder: Path) -> float | None:
    """Return the discount of the Algorithm whose checkpoint a module is in; None if it does not say it."""
    if not folder.parent.as_posix().endswith(_MODULES):
        return None
    path = folder.parents[3] / _ABOUT
    if not path.is_file():
        return None
    try:
        (config, *_), _ = read_pickled(path)["ctor_args_and_kwargs"]
        state = config.state if isinstance(config, Record) else config
        return float(state["gamma"]) if isinstance(state.get("gamma"), float) else None
    except (UsageError, *BROKEN):
        return None


_LACKS = frozenset({Lack.WORLD, Lack.STATISTICS})
FORMAT = library_format("rllib", "pickle", recognises, read, library="RLlib", lacks=_LACKS)
FOLDER = library_format(
    "rllib-folder", "folder", recognises_folder, read_folder, library="RLlib", lacks=_LACKS, folders=True
)
