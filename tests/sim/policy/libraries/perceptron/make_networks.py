"""Random perceptrons of torch, for the fixtures of this folder and others."""

from itertools import pairwise

from torch import nn


def mlp(*sizes: int, hidden: type[nn.Module] = nn.Tanh) -> nn.Sequential:
    """Return a perceptron whose outputs differ from state to state."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(sizes):
        linear = nn.Linear(inputs, outputs)
        nn.init.normal_(linear.weight, std=1.5 / inputs**0.5)
        nn.init.normal_(linear.bias, std=0.5)
        layers += [linear, hidden()]
    return nn.Sequential(*layers[:-1])
