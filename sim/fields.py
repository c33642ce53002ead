"""A critic's values at many states, computed by machine code in threads, and in parts if need be."""

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from valuescape.sim.arrays import Float32Array
from valuescape.sim.policy.inference import joined_scores, normalized_obs
from valuescape.sim.policy.network import Checkpoint, Mlp, value_critics
from valuescape.sim.resources import usable_cores
from valuescape.sim.stepping.tiles import ACTIVATIONS

_PART_TILES = 16
"""Tiles of 64 states that a thread does before the clock is looked at: 2 ms with twin critics 256-256."""


def can_compile_critic(checkpoint: Checkpoint) -> bool:
    """Return whether there is machine code for all networks that the critic's value needs."""
    return all(layer.activation in ACTIVATIONS for net in _networks(checkpoint) for layer in net.layers)


def _networks(checkpoint: Checkpoint) -> tuple[Mlp, ...]:
    """Return the critics, behind the actor if they take its actions."""
    actor = (checkpoint.actor,) if checkpoint.critic_kind.takes_actions else ()
    return (*actor, *value_critics(checkpoint))


class CompiledCritic:
    """V(s) of a checkpoint at many states; differs from `sim.policy.inference.value` by rounding alone.

    Results are the same, bit by bit, for any number of threads and however the work is divided.

    Performance: see `docs/performance.md`, made by `tests/bench/critic_field.py`.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        """Compile the code, or find it compiled (2 s, or 0.3). Raises ImportError without numba."""
        from valuescape.sim.stepping.compiled.columns import ColumnNetwork

        self.checkpoint = checkpoint
        self.networks = [ColumnNetwork(net) for net in _networks(checkpoint)]

    def begin(self, obs: Float32Array) -> "Evaluation":
        """Return the evaluation at `obs` [obs_dim, n] float32, of which nothing is done yet. Copies `obs`."""
        return Evaluation(self, obs)


class Evaluation:
    """The evaluation of a critic at n states, which goes on in parts. Used by one thread at a time."""

    def __init__(self, critic: CompiledCritic, obs: Float32Array) -> None:
        from valuescape.sim.stepping.compiled.mlp import TILE_AGENTS

        self._checkpoint = critic.checkpoint
        obs = normalized_obs(critic.checkpoint, obs)
        self._n, tiles = obs.shape[1], -(-obs.shape[1] // TILE_AGENTS)
        actors = 1 if critic.checkpoint.critic_kind.takes_actions else 0
        self._actor = critic.networks[0] if actors else None
        self._critics = critic.networks[actors:]
        rows = len(obs) + (self._actor.out_dim if self._actor else 0)
        self._inputs = np.zeros((rows, tiles * TILE_AGENTS), np.float32)
        self._inputs[: len(obs), : self._n] = obs
        self._obs_dim = len(obs)
        outputs = self._critics[0].out_dim
        self._scores = np.empty((len(self._critics), outputs, tiles * TILE_AGENTS), np.float32)
        self._tiles, self._next, self._threads = tiles, 0, usable_cores()

    def go_on(self, seconds: float) -> bool:
        """Compute for about so long, at least a part for each core; return whether all is done."""
        end, step = time.perf_counter() + seconds, _PART_TILES * self._threads
        with ThreadPoolExecutor(self._threads, "valuescape-field") as threads:
            while self._next < self._tiles:
                parts = range(self._next, min(self._next + step, self._tiles), _PART_TILES)
                list(threads.map(self._compute, parts))
                self._next += step
                if time.perf_counter() >= end:
                    break
        done: bool = self._next >= self._tiles
        return done

    def _compute(self, first: int) -> None:
        tiles = range(first, min(first + _PART_TILES, self._tiles))
        if self._actor:
            observed, actions = self._inputs[: self._obs_dim], self._inputs[self._obs_dim :]
            self._actor.forward(observed, actions, tiles)
        for critic, scores in zip(self._critics, self._scores, strict=True):
            critic.forward(self._inputs, scores, tiles)

    def values(self) -> Float32Array:
        """Return V(s), a new [n] float32 array in units of the world's rewards; once all is done."""
        return joined_scores(self._checkpoint, self._scores[:, :, : self._n].max(axis=1))
