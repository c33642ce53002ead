"""Checkpoints of a training run, saved and sent; V of each says after how many steps it was."""

from dataclasses import replace

import numpy as np
from linear_critics import linear
from networks import checkpoint_of

from valuescape.attached.source import News
from valuescape.sim.policy.formats import native
from valuescape.sim.policy.network import Training
from valuescape.sim.worlds import make_world


def made(steps, level=None, hidden=()):
    """Return a checkpoint of the point mass with V = level, by default a thousandth of its steps."""
    action = make_world("point_mass").action
    actor = linear(np.zeros((1, 2)), [steps / 1e6])
    for width in hidden:
        first, last = linear(np.zeros((width, 2)), np.zeros(width)), linear(np.zeros((1, width)), [0.0])
        actor = replace(actor, layers=(*first.layers, *last.layers))
    return replace(
        checkpoint_of(actor),
        critics=(linear([[0.0, 0.0]], steps / 1000 if level is None else level),),
        world="point_mass",
        action_low=action.low,
        action_high=action.high,
        training=Training(timesteps=steps),
    )


def save(folder, steps, **how):
    """Save a checkpoint; return its path."""
    path = folder / f"model_{steps}_steps.safetensors"
    native.save(made(steps, **how), path)
    return path


class Sender:
    """A source whose updates a test sends."""

    trainer = None

    def __init__(self, name="run"):
        self.name, self.alive, self.begun, self.closed = name, True, None, False
        self.news, self.sentences = [], []

    def send(self, steps, **how):
        checkpoint = made(steps, **how)
        self.news = [News(steps, checkpoint, 0, {"mean_return": -1.0 * steps})]
        return checkpoint

    def begin(self, world):
        self.begun = world

    def newest(self):
        return self.news.pop() if self.news else None

    def said(self):
        said, self.sentences = self.sentences, []
        return said

    def close(self):
        self.closed = True
