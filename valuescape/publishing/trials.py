"""Tells by trial what a torch module computes with its linear layers.

A module's `forward` may apply any function between its layers, and its attributes do not say which. So a copy
of it gets random weights and random inputs, and its outputs are compared with those of every network that the
layers can make. A module that computes anything else is refused. The trainer's module, its gradients and its
random numbers are left alone.
"""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from valuescape.publishing.chains import Chain, NetworksError, chains_of, linears_of, mlp_of, unwrapped
from valuescape.sim.arrays import Float32Array
from valuescape.sim.policy.inference import BatchMlp
from valuescape.sim.policy.network import Activation, Mlp

_ROWS = 64
_TOLERANCE = 2e-5
_HINT = "give its state_dict or a list of (weight, bias), and state activation="


@dataclass(frozen=True, slots=True)
class Scaling:
    """The last step of some actors: outputs * scale + center, [action_dim] each, to the world's units."""

    center: Float32Array
    scale: Float32Array


@dataclass(frozen=True, slots=True)
class Match:
    """The network that a module was found to compute."""

    activations: tuple[Activation, ...]
    scaled: bool = False
    """Whether the module itself scales its outputs to the world's units."""


class Trial:
    """A copy of a module with random weights, and its outputs for random inputs.

    widths: of the inputs, [obs_dim] or [obs_dim, action_dim]. They are given to `forward` one by one or, if
    it does not take them so, joined. Raises NetworksError if the module cannot be copied or called.
    """

    def __init__(self, module: Any, widths: Sequence[int], what: str) -> None:
        module = unwrapped(module)
        self._title = f"the {what} ({type(module).__name__})"
        _require_forward(module, self._title)
        rng = np.random.default_rng(20)
        parts = [rng.standard_normal((_ROWS, width)).astype(np.float32) for width in widths]
        self._inputs = np.concatenate(parts, axis=1)
        try:
            self._copy = _randomised(module, rng)
        except Exception as error:
            raise NetworksError(f"{self._title} cannot be copied: {error}", _HINT) from error
        self._chains = chains_of(linears_of(self._copy, what), sum(widths))
        self.outputs = self._called([parts, [self._inputs]] if len(parts) > 1 else [parts])
        """What `forward` returns, [64, width] each."""

    def match(
        self, chain: int, output: int, stated: Activation | None, scaling: Scaling | None = None
    ) -> Match | None:
        """Return how the module computes one of its outputs with one of its chains; None if it does not.

        chain: the index among `chains_of` the module. stated: the activation between layers, None if unknown.
        scaling: is tried behind a last tanh, too.
        """
        if output >= len(self.outputs):
            return None
        found, network = self.outputs[output], self._chains[chain]
        for activations in _candidates(network, stated):
            computed = _evaluated(mlp_of(network, self._copy, activations), self._inputs)
            if _equal(computed, found):
                return Match(activations)
            if scaling is not None and _equal(computed * scaling.scale + scaling.center, found):
                return Match(activations, scaled=True)
        return None

    def refusal(self, chains: Sequence[Chain]) -> NetworksError:
        """Return the error for a module that computes something else than its layers can."""
        widths = " and ".join(each.said for each in chains[:3])
        return NetworksError(
            f"{self._title} computes something else than its layers ({widths}) with known activations",
            f"known are {', '.join(Activation)}; or {_HINT}",
        )

    def _called(self, ways: Sequence[Sequence[Float32Array]]) -> list[Float32Array]:
        import torch

        problem: Exception | None = None
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            for way in ways:
                try:
                    return _flat(self._copy(*(torch.from_numpy(part) for part in way)))
                except Exception as error:
                    problem = error
        raise NetworksError(
            f"{self._title} cannot be called with observations: {problem}", _HINT
        ) from problem


def _require_forward(module: Any, title: str) -> None:
    forward = getattr(type(module), "forward", None)
    if getattr(forward, "__name__", "") != "_forward_unimplemented":
        return
    inside = [name for name, each in module.named_children() if any(True for _ in each.parameters())]
    raise NetworksError(
        f"{title} has no forward, so what it computes is not known",
        f"give the networks in it: {', '.join(inside[:6])}",
    )


def _randomised(module: Any, rng: np.random.Generator) -> Any:
    """Return a copy on the CPU, without hooks, as it acts in use, whose outputs are of the order of one."""
    import torch

    copied = copy.deepcopy(module).to("cpu", torch.float32).eval()
    for each in copied.modules():
        for hooks in (each._forward_hooks, each._forward_pre_hooks):
            hooks.clear()
        if type(each).__name__ == "Linear":
            outputs, inputs = each.weight.shape
            weight = rng.standard_normal((outputs, inputs)) * 1.5 / inputs**0.5
            each.weight.data = torch.from_numpy(weight.astype(np.float32))
            if each.bias is not None:
                each.bias.data = torch.from_numpy(rng.standard_normal(outputs).astype(np.float32))
    return copied


def _flat(returned: Any) -> list[Float32Array]:
    """Return what `forward` returned as arrays [64, width]: tensors, means of distributions, or several."""
    if isinstance(returned, tuple | list):
        return [array for each in returned for array in _flat(each)]
    if hasattr(returned, "mean") and not hasattr(returned, "detach"):
        returned = returned.mean
    if not hasattr(returned, "detach"):
        return []
    array = returned.detach().numpy().astype(np.float32)
    if array.shape[:1] == (_ROWS,):
        return [array.reshape(_ROWS, -1)]
    # several critics, stacked in front
    return [each.reshape(_ROWS, -1) for each in array] if array.shape[1:2] == (_ROWS,) else []


def _candidates(chain: Chain, stated: Activation | None) -> Iterator[tuple[Activation, ...]]:
    """Yield the activations that a chain may have, the likeliest first."""
    *hidden, last = chain.activations
    hiddens: list[tuple[Activation, ...]] = []
    if stated is None and all(hidden):
        hiddens.append(tuple(each for each in hidden if each))
    for activation in [stated] if stated else Activation:
        hiddens.append(tuple(each or activation for each in hidden))
        hiddens.append((activation,) * len(hidden))
    lasts = dict.fromkeys((last or Activation.IDENTITY, Activation.IDENTITY, Activation.TANH))
    for chosen in dict.fromkeys(hiddens):
        for final in lasts:
            yield (*chosen, final)


def _evaluated(mlp: Mlp, inputs: Float32Array) -> Float32Array:
    out = np.empty((mlp.out_dim, len(inputs)), np.float32)
    BatchMlp(mlp, len(inputs)).forward(np.ascontiguousarray(inputs.T), out)
    return out.T


def _equal(computed: Float32Array, found: Float32Array) -> bool:
    if computed.shape != found.shape:
        return False
    limit = _TOLERANCE * float(np.abs(found).max() + 1)
    return bool(np.abs(computed - found).max() <= limit)
