"""Checks that every checkpoint passes, whichever format it came from."""

import math
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from valuescape.sim.arrays import Float32Array
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.network import Activation, ActorHead, Checkpoint, CriticKind, Mlp, mean_layer

MAX_WIDTH = 8192
MAX_LAYERS = 32
MAX_CRITICS = 16


def frozen(path: Path, name: str, values: ArrayLike) -> Float32Array:
    """Return `values` as a read-only, contiguous float32 array.

    If `values` is such an array already, it is returned itself and becomes read-only. Raises UsageError,
    naming file and tensor, if a value is not finite.
    """
    with np.errstate(over="ignore"):  # values beyond float32 become infinite, and are refused below
        array = np.ascontiguousarray(values, np.float32)
    if not np.isfinite(array).all():
        count = int(array.size - np.isfinite(array).sum())
        raise UsageError(
            f"{path}: tensor {name} has {count} of {array.size} values that are NaN or infinite",
            "the training diverged or the file is damaged; use another checkpoint",
        )
    array.setflags(write=False)
    return array


def check_checkpoint(checkpoint: Checkpoint, path: Path) -> Checkpoint:
    """Return `checkpoint` if its parts fit each other and have sound numbers.

    Raises UsageError, naming the file and the part that does not.
    """
    _check_mlp(path, "actor", checkpoint.actor, checkpoint.obs_dim)
    _require(
        1 <= len(checkpoint.critics) <= MAX_CRITICS,
        path,
        f"has {len(checkpoint.critics)} critics, expected 1 to {MAX_CRITICS}",
    )
    for index, critic in enumerate(checkpoint.critics):
        _check_mlp(path, f"critic {index}", critic, _critic_inputs(checkpoint))
        outputs = _critic_outputs(checkpoint)
        _require(
            critic.out_dim == outputs,
            path,
            f"critic {index} ends in {critic.out_dim} outputs, expected {outputs}",
        )
    _check_quantiles(checkpoint, path)
    _check_heads(checkpoint, path)
    _check_sampling(checkpoint, path)
    _check_normalization(checkpoint, path)
    _check_reward_normalization(checkpoint, path)
    gamma = checkpoint.gamma
    _require(math.isfinite(gamma) and 0 <= gamma <= 1, path, f"gamma is {gamma}, expected 0 to 1")
    return checkpoint


def _check_mlp(path: Path, part: str, mlp: Mlp, in_dim: int) -> None:
    _require(
        1 <= len(mlp.layers) <= MAX_LAYERS,
        path,
        f"{part} has {len(mlp.layers)} layers, expected 1 to {MAX_LAYERS}",
    )
    for index, layer in enumerate(mlp.layers):
        where = f"{part} layer {index}"
        shape = layer.weight.shape
        _require(layer.weight.ndim == 2, path, f"{where}: weight has shape {shape}, expected [out, in]")
        _require(0 < shape[0] <= MAX_WIDTH, path, f"{where}: {shape[0]} outputs, expected 1 to {MAX_WIDTH}")
        _require(
            shape[1] == in_dim, path, f"{where}: weight has shape {list(shape)}, expected {in_dim} inputs"
        )
        _require(
            layer.bias.shape == shape[:1],
            path,
            f"{where}: bias has shape {list(layer.bias.shape)}, expected [{shape[0]}]",
        )
        _require(layer.clip > 0, path, f"{where}: clip is {layer.clip}, expected more than 0")
        in_dim = shape[0]


def _check_quantiles(checkpoint: Checkpoint, path: Path) -> None:
    layers, critics = checkpoint.quantile_layers, checkpoint.critics
    if not layers:
        return
    _require(len(layers) == len(critics), path, f"{len(critics)} critics, but quantiles of {len(layers)}")
    for index, (critic, layer) in enumerate(zip(critics, layers, strict=True)):
        where = f"quantiles of critic {index}"
        _check_mlp(path, where, Mlp((layer,)), critic.layers[-1].weight.shape[1])
        _require(
            len(layer.bias) == len(layers[0].bias),
            path,
            f"{where} are {len(layer.bias)}, expected as many as critic 0's {len(layers[0].bias)}",
        )
        _require(
            len(layer.bias) % critic.out_dim == 0,
            path,
            f"{where} are {len(layer.bias)}, expected as many for each of {critic.out_dim} outputs",
        )
        mean, last = mean_layer(layer, critic.out_dim), critic.layers[-1]
        plain = last.activation is layer.activation is Activation.IDENTITY
        _require(
            plain
            and math.isinf(layer.clip)
            and _close(mean.weight, last.weight)
            and _close(mean.bias, last.bias),
            path,
            f"{where}: their mean is not the critic's last layer",
        )


def _close(found: Float32Array, expected: Float32Array) -> bool:
    return bool(np.allclose(found, expected, rtol=1e-4, atol=1e-5 * float(np.abs(expected).max())))


def _critic_inputs(checkpoint: Checkpoint) -> int:
    taken = checkpoint.actor.out_dim if checkpoint.critic_kind.takes_actions else 0
    return checkpoint.obs_dim + taken


def _critic_outputs(checkpoint: Checkpoint) -> int:
    if checkpoint.critic_kind is CriticKind.DISCRETE_ACTION_VALUE:
        return checkpoint.actor.out_dim
    return 1


def _check_heads(checkpoint: Checkpoint, path: Path) -> None:
    head, kind = checkpoint.actor_head, checkpoint.critic_kind
    if kind.takes_actions:
        _require(
            head is ActorHead.SQUASHED,
            path,
            f"critic kind {kind} needs a squashed actor, this one is {head}",
        )
    if kind is CriticKind.DISCRETE_ACTION_VALUE:
        _require(
            head is ActorHead.ARGMAX,
            path,
            f"critic kind q_discrete needs an argmax actor, this one is {head}",
        )
    several = head is ActorHead.MULTI_ARGMAX
    _require(
        several == bool(checkpoint.choices)
        and all(size >= 1 for size in checkpoint.choices)
        and (not several or sum(checkpoint.choices) == checkpoint.actor.out_dim),
        path,
        f"choices among {list(checkpoint.choices)} do not fit an actor of {checkpoint.actor.out_dim} outputs",
    )
    bounds = 0 if head.chooses else checkpoint.actor.out_dim
    low, high = checkpoint.action_low, checkpoint.action_high
    _require(
        low.shape == high.shape == (bounds,) or checkpoint.lacks_bounds,
        path,
        f"action bounds have shapes {list(low.shape)} and {list(high.shape)}, expected [{bounds}] each",
    )
    _require(bool((low < high).all()), path, f"action bounds {low.tolist()} to {high.tolist()} are empty")


def _check_sampling(checkpoint: Checkpoint, path: Path) -> None:
    noise, alpha = checkpoint.noise, checkpoint.entropy_coefficient
    if noise is not None:
        layer, expected = noise.layer, checkpoint.actor.layers[-1].weight.shape
        _require(
            layer.weight.shape == expected and layer.bias.shape == expected[:1],
            path,
            f"log_std has shape {list(layer.weight.shape)}, the actor's last layer {list(expected)}",
        )
    if alpha is not None:
        _require(
            math.isfinite(alpha) and alpha >= 0, path, f"entropy coefficient is {alpha}, expected 0 or more"
        )


def _check_normalization(checkpoint: Checkpoint, path: Path) -> None:
    norm = checkpoint.obs_normalization
    if norm is None:
        return
    expected = (checkpoint.obs_dim,)
    _require(
        norm.mean.shape == norm.std.shape == expected,
        path,
        f"observation statistics have shapes {list(norm.mean.shape)} and {list(norm.std.shape)}, "
        f"expected [{checkpoint.obs_dim}] as the networks' inputs",
    )
    _require(
        bool((norm.std > 0).all()) and norm.clip > 0,
        path,
        "observation standard deviations and clip must be more than 0",
    )


def _check_reward_normalization(checkpoint: Checkpoint, path: Path) -> None:
    norm = checkpoint.reward_normalization
    if norm is None:
        return
    sound = all(math.isfinite(number) for number in (norm.variance, norm.epsilon, norm.gamma))
    _require(
        sound and norm.variance >= 0 and norm.epsilon >= 0 and 1e-6 <= norm.scale <= 1e12 and norm.clip > 0,
        path,
        f"reward statistics have variance {norm.variance:g}, epsilon {norm.epsilon:g}, clip {norm.clip:g}; "
        "expected numbers of 0 or more, and a clip of more than 0",
    )


def _require(condition: bool, path: Path, problem: str) -> None:
    if not condition:
        raise UsageError(f"{path}: {problem}", "this is not a checkpoint that Valuescape can run")
