"""Random networks, as tests of several folders need them."""

from itertools import pairwise

import numpy as np

from sim.policy.network import Activation, Layer, Mlp


def random_mlp(
    sizes: tuple[int, ...],
    hidden: Activation = Activation.TANH,
    last: Activation = Activation.IDENTITY,
    clip: float = float("inf"),
    seed: int = 0,
) -> Mlp:
    """An MLP whose activations stay of the order of one."""
    rng = np.random.default_rng(seed)
    layers = []
    for index, (inputs, outputs) in enumerate(pairwise(sizes)):
        final = index == len(sizes) - 2
        weight = (rng.standard_normal((outputs, inputs)) * 1.4 / inputs**0.5).astype(np.float32)
        bias = rng.standard_normal(outputs).astype(np.float32)
        layers.append(Layer(weight, bias, last if final else hidden, clip if final else float("inf")))
    return Mlp(tuple(layers))
