"""Source of the truth: maps of what follows from each cell, made by rollouts in threads of low priority."""

import math
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from valuescape.gpu.layers.layer import MapLayer
from valuescape.gpu.layers.truth import ERROR, OF_ROLLOUTS, TRUTH
from valuescape.run.map_sources.source import Answer, Question
from valuescape.sim.arrays import Float32Array, Float64Array
from valuescape.sim.codegen.notice import CompilationNeededError, kept_only
from valuescape.sim.crew.preparing import compile_apart
from valuescape.sim.insight.plane import grid_obs, grid_states
from valuescape.sim.insight.signals import Value
from valuescape.sim.insight.subject import MapRequest
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.resources import usable_cores
from valuescape.sim.rollouts.choose import StateRollouts, state_rollouts, try_rollout, try_rollout_of
from valuescape.sim.rollouts.field import TruthField, be_nice
from valuescape.sim.rollouts.judging import (
    TOLERANCE,
    return_in_words,
    rollouts_differ,
    rules_of_run,
    significant_errors,
)
from valuescape.sim.rollouts.rules import RolloutRules
from valuescape.sim.rollouts.truth import Truth
from valuescape.sim.worlds.base import ArrayWorld

_FIRST_S, _LOOK_S = 0.02, 0.25
"""Seconds between two looks at a field: before its coarsest cells are there, and afterwards."""

_MOMENT_S = 5.0
"""Seconds that a frame waits at most, if frames wait for maps."""

_LOOK_SHARE = 0.1
"""The most of its time that a thread spends looking."""


@dataclass(frozen=True, slots=True)
class TruthLook:
    """The maps of rollouts as they are at one moment, each [edge, edge].

    request: what was asked for. values: by the layer's name. certainty: of the error, 0 where it may be
    chance. truth: the estimates, with their intervals. what: G, in a few words. pale: what pale cells mean.
    """

    request: MapRequest
    values: dict[str, Float32Array]
    certainty: Float32Array
    truth: Truth
    what: str
    pale: str

    @property
    def doing(self) -> str:
        """The share of the rollouts that are made; "" when all are."""
        progress = self.truth.progress
        return f"truth {math.floor(100 * progress)} %" if progress < 1 else ""

    def answer(self, layer: MapLayer) -> Answer:
        """Return the map of a layer."""
        name, legend = layer.name, layer.legend(self.request.subject, self.request.insight)
        if layer is TRUTH:
            legend = replace(legend, meaning=self.what)
        if layer is ERROR:
            legend = replace(legend, meaning=f"promised beyond the {self.what}; pale: {self.pale}")
        certainty = self.certainty if layer is ERROR else None
        return Answer(name, self.values[name], certainty, legend, self.request)


class TruthMaps:
    """Makes the truth field of what is asked for when one of its maps is shown, and shows it as it fills in.

    A field whose maps are hidden goes on, so that they are there when they are shown again, until another
    plane or other settings are asked for.
    Another plane, other settings make a new field; the maps of the old one stay until the coarsest cells of
    the new one are there. Until then a new field is not given up for yet another one, so that a plane that
    moves all the time is shown too. critic: V(s), as the picture shows it; None without one.

    Performance: `answers` takes 2 us; everything else happens in threads.
    """

    def __init__(self, critic: Value | None, threads: int | None = None) -> None:
        """threads: that make rollouts; None: as many as there are cores."""
        self._critic, self._threads = critic, threads or usable_cores()
        self._now: _Filling | None = None
        self._ending: list[_Filling] = []
        self._given: dict[str, TruthLook] = {}
        self.newest: TruthLook | None = None

    def take_critic(self, critic: Value | None) -> None:
        """Compare what follows with another critic, from the next field on."""
        self._critic = critic

    @property
    def doing(self) -> str:
        """The share of the rollouts that are made, until the maps of all of them are given."""
        now = self._now
        if now is None or (not now.doing and now.newest is self.newest):
            return ""
        return now.doing or "truth 100 %"

    def answers(self, question: Question) -> Iterator[Answer]:
        """Return the maps that have other values than those given last. Raises what a thread failed with."""
        shown = [layer for layer in OF_ROLLOUTS if layer in question.layers]
        self._look()
        self._renew(question.request, shown=bool(shown))
        if question.waits and shown and self._now:
            self._now.wait_if_short()
            self._look()
        for layer in shown:
            if self.newest and self._given.get(layer.name) is not self.newest:
                self._given[layer.name] = self.newest
                yield replace(self.newest.answer(layer), request=self._answered(self.newest))

    def _answered(self, look: TruthLook) -> MapRequest:
        """Return the newest request that a look answers."""
        return self._now.request if self._now and self._now.newest is look else look.request

    def _look(self) -> None:
        if self._now and self._now.newest:
            self.newest = self._now.newest

    def _renew(self, request: MapRequest, *, shown: bool) -> None:
        """Begin a new field if another one is asked for; a hidden one is given up."""
        now = self._now
        if now:
            now.require_no_failure()
            if now.request is not request and now.answers(request):
                self._given.clear()  # it may be another scene that asks
            if now.request is request or (shown and now.newest is None):
                return
            self._give_up(now)
        if shown:
            assert self._critic is not None
            self._now = _Filling(_Wanted.of(request), self._critic, self._threads)

    def _give_up(self, filling: "_Filling") -> None:
        filling.stop()
        self._ending = [each for each in (*self._ending, filling) if each.alive]
        self._now = None

    def release(self) -> None:
        """Stop the threads, which takes as long as a piece of their work: a tenth of a second."""
        if self._now:
            self._give_up(self._now)
        for each in self._ending:
            each.join()
        self._ending.clear()


@dataclass(frozen=True, slots=True)
class _Wanted:
    """All that a field depends on. random: whether the policy draws; rollouts: a cell, at most."""

    request: MapRequest
    checkpoint: Checkpoint
    rules: RolloutRules
    random: bool
    rollouts: int

    @classmethod
    def of(cls, request: MapRequest) -> Self:
        subject, insight = request.subject, request.insight
        checkpoint = subject.checkpoint
        assert checkpoint is not None
        rules = rules_of_run(subject, insight)
        random = rollouts_differ(checkpoint, rules)
        certain = not random and isinstance(subject.world, ArrayWorld)  # others may have chance of their own
        return cls(request, checkpoint, rules, random, 1 if certain else insight.rollouts)

    def same_as(self, other: Self) -> bool:
        """Whether both fields have the same values."""
        mine, others = (
            (each.request.plane, each.request.edge, each.rules, each.rollouts) for each in (self, other)
        )
        return self.checkpoint is other.checkpoint and mine == others


class _Filling:
    """A truth field that is being made, and looked at, by threads that begin at once.

    newest: the last look at it; None until its coarsest cells are there.
    """

    def __init__(self, wanted: _Wanted, critic: Value, threads: int) -> None:
        self._wanted, self._critic, self._threads = wanted, critic, threads
        self.newest: TruthLook | None = None
        self._failure: BaseException | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, name="truth", daemon=True)
        self._thread.start()

    @property
    def doing(self) -> str:
        """The share that is made; "" when all is."""
        return "truth" if self.newest is None else self.newest.doing

    @property
    def request(self) -> MapRequest:
        """The request that it answers."""
        return self._wanted.request

    @property
    def alive(self) -> bool:
        """Whether its threads run."""
        return self._thread.is_alive()

    def answers(self, request: MapRequest) -> bool:
        """Whether this is the field that another request asks for, too; from then on it is its answer."""
        wanted = _Wanted.of(request)
        same = self._wanted.same_as(wanted)
        if same:
            self._wanted = wanted
        return same

    def wait_if_short(self) -> None:
        """Wait for a field of one rollout a cell, for _MOMENT_S at most; others take too long."""
        if self._wanted.rollouts == 1:
            self._thread.join(_MOMENT_S)

    def require_no_failure(self) -> None:
        """Raise what a thread failed with."""
        if self._failure:
            raise self._failure

    def stop(self) -> None:
        """Let the threads end, without waiting for them."""
        self._stopped.set()

    def join(self) -> None:
        """Wait until they have ended."""
        self._thread.join()

    def _work(self) -> None:
        be_nice()
        try:
            with np.errstate(all="ignore"):
                self._fill(self._wanted)
        except KeyboardInterrupt:  # stopped while code was compiled
            pass
        except BaseException as error:  # raised in the main thread
            self._failure = error

    def _fill(self, wanted: _Wanted) -> None:
        request = wanted.request
        states = grid_states(request.plane, request.edge)
        made_by = self._rollouts(wanted)
        with TruthField(
            made_by, states, wanted.rollouts, random=wanted.random, threads=self._threads
        ) as field:
            believed = self._critic(grid_obs(request.plane, request.edge)).astype(np.float64)
            finished, pause = False, _FIRST_S
            while not (finished or self._stopped.wait(pause)):
                finished, covered = field.progress == 1, field.covered
                if covered:
                    began = time.perf_counter()
                    self.newest = _look(field, believed.reshape(request.edge, -1), wanted)
                    pause = max(_LOOK_S, (time.perf_counter() - began) / _LOOK_SHARE)

    def _rollouts(self, wanted: _Wanted) -> StateRollouts:
        """Return what makes the rollouts. If machine code is missing, another process compiles it first."""
        subject, checkpoint = wanted.request.subject, wanted.checkpoint
        try:
            with kept_only():
                try_rollout(subject.world, checkpoint, simd=subject.config.features.simd)
        except CompilationNeededError:
            compile_apart(subject.config, checkpoint, self._check, try_rollout_of)
        return state_rollouts(subject.world, checkpoint, wanted.rules, simd=subject.config.features.simd)

    def _check(self) -> None:
        if self._stopped.is_set():
            raise KeyboardInterrupt


def _look(field: TruthField, believed: Float64Array, wanted: _Wanted) -> TruthLook:
    """Return the maps as they are now. believed: V(s), [edge, edge]."""
    truth = field.look()
    error = believed - truth.value
    certain = significant_errors(error, truth, random=field.random)
    values = {
        "truth": truth.value,
        "error": error,
        "outcome": truth.terminated,
        "steps": truth.steps,
        "total": truth.total,
    }
    return TruthLook(
        wanted.request,
        {name: array.astype(np.float32) for name, array in values.items()},
        certain.astype(np.float32),
        truth,
        return_in_words(wanted.checkpoint, wanted.rules, wanted.rollouts if field.random else 1),
        "may be chance" if field.random else f"less than {100 * TOLERANCE:.0f} % of G's range",
    )
