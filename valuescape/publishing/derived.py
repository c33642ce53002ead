"""Arrays of a checkpoint that are computed from others of the same update."""

from valuescape.publishing.plan import Arrays, write_array
from valuescape.sim.policy.network import Activation, Layer, mean_layer


def layer_names(prefix: str, layers: int) -> tuple[str, ...]:
    """Return the names, in the native format, of weight and bias of each layer of a network."""
    return tuple(f"{prefix}.{index}.{part}" for index in range(layers) for part in ("weight", "bias"))


def critic_names(index: int, layers: int, *, quantiles: bool) -> tuple[str, ...]:
    """Return the names of a critic's numbers, of which the last layer may be that of its quantiles."""
    names = layer_names(f"critics.{index}", layers)
    return (*names[:-2], f"quantiles.{index}.weight", f"quantiles.{index}.bias") if quantiles else names


def write_means(arrays: Arrays, index: int, layers: int, outputs: int) -> None:
    """Write the last layer of a critic of quantiles: the mean over the quantiles of each output."""
    weight, bias = arrays[f"quantiles.{index}.weight"], arrays[f"quantiles.{index}.bias"]
    mean = mean_layer(Layer(weight, bias, Activation.IDENTITY), outputs)
    write_array(arrays, f"critics.{index}.{layers - 1}.weight", mean.weight)
    write_array(arrays, f"critics.{index}.{layers - 1}.bias", mean.bias)


def write_own_actor(arrays: Arrays, layers: int) -> None:
    """Write the actor of a network of Q, which is the same network."""
    for actor, critic in zip(layer_names("actor", layers), layer_names("critics.0", layers), strict=True):
        arrays[actor][...] = arrays[critic]
