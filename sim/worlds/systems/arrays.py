"""Worlds in NumPy whose steps are changed by systems: array systems, and element-wise ones beside them."""

import traceback
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.arrays import BoolArray, Float32Array
from valuescape.sim.worlds.base import ArrayWorld, full_step
from valuescape.sim.worlds.parameters import middle_values
from valuescape.sim.worlds.systems.declared import AfterArrays, AfterStep, BeforeArrays, BeforeStep, System
from valuescape.sim.worlds.systems.elements import clipping
from valuescape.sim.worlds.systems.places import Places, places_of

Guard = Callable[[int, Callable[[], None], Sequence[NDArray[Any]]], None]
"""Calls an array system: its index among the world's systems, the call, and the arrays that it may change."""


class SystemRaisedError(Exception):
    """An array system raised; the message names system, file, line and error."""

    def __init__(self, system: System, error: Exception) -> None:
        where = place_of(error, system)
        super().__init__(f"system {system.name}: {where}: {type(error).__name__}: {error}")


def place_of(error: BaseException, system: System) -> str:
    """Return the last place in the system's file that `error` came through: "wind.py line 12"."""
    file = system.function.__code__.co_filename
    lines = [each.lineno for each in traceback.extract_tb(error.__traceback__) if each.filename == file]
    return f"{file.rpartition('/')[2]} line {lines[-1]}" if lines else system.where


class _Rows(NamedTuple):
    """The arrays of one step; `out` has the next states, all others as in `ArrayWorld.step`."""

    state: Float32Array
    action: Float32Array
    out: Float32Array
    reward: Float32Array
    terminated: BoolArray
    parameters: Float32Array
    draws: Float32Array


class SystemsWorld(ArrayWorld):
    """A world in NumPy with systems around its step; `with_systems` makes classes of it.

    inner: the world without systems. systems: in their order. guard: calls the array systems; steppers set
    one that also measures them. The default one raises SystemRaisedError if a system raises.
    """

    def __init__(self, inner: ArrayWorld, systems: Sequence[System]) -> None:
        self.inner, self.systems = inner, tuple(systems)
        self.guard: Guard = self.call
        self._step_inner, self._clipped = full_step(inner), clipping(inner.action)
        self._own, *self._places = places_of(inner, systems)

    def reset(self, draws: Float32Array, out: Float32Array) -> None:
        """Write start states into `out` [state_dim, n], memory at its start values."""
        own = self._own.state.end
        self.inner.reset(draws, out[:own])
        memory = [each.start for system in self.systems for each in system.memory]
        out[own:] = np.array(memory, np.float32).reshape(-1, 1)

    def observe(self, state: Float32Array, out: Float32Array) -> None:
        """Write what the inner world observes of its own state into `out` [obs_dim, n]."""
        self.inner.observe(state[: self._own.state.end], out)

    def step(
        self,
        state: Float32Array,
        action: Float32Array,
        out: Float32Array,
        reward: Float32Array,
        terminated: BoolArray,
        parameters: Float32Array | None = None,
        draws: Float32Array | None = None,
    ) -> None:
        """Write the states after one step, its rewards and terminations; see ArrayWorld."""
        given = middle_values(self.ranges) if parameters is None else parameters
        chance = np.empty((0, state.shape[1]), np.float32) if draws is None else draws
        rows = _Rows(state, action.astype(np.float32), out, reward, terminated, given, chance)
        own = self._own
        out[own.state.end :] = state[own.state.end :]
        for index in self._of("before"):
            (self._before_arrays if self.systems[index].arrays else self._before_elements)(index, rows)
            rows.action[:] = np.stack(self._clipped(tuple(rows.action))) if len(action) else rows.action
        results = out[own.state.rows], reward, terminated
        chances = given[own.parameters.rows], chance[own.draws.rows]
        self._step_inner(state[own.state.rows], rows.action, *results, *chances)
        for index in self._of("after"):
            (self._after_arrays if self.systems[index].arrays else self._after_elements)(index, rows)

    def call(self, index: int, call: Callable[[], None], changed: Sequence[NDArray[Any]]) -> None:
        """Call an array system. Raises SystemRaisedError."""
        del changed
        try:
            call()
        except Exception as error:
            raise SystemRaisedError(self.systems[index], error) from error

    def elements_of(self, system: System, step: BeforeStep | AfterStep) -> Any:
        """Return what an element-wise system makes of `step`."""
        return system.function(step)

    def _of(self, when: str) -> list[int]:
        return [index for index, system in enumerate(self.systems) if system.when == when]

    def _before_arrays(self, index: int, rows: _Rows) -> None:
        own, parameters, memory, draws = self._cut(index, rows)
        step = BeforeArrays(_frozen(own), rows.action, _frozen(parameters), memory, _frozen(draws))
        function = self.systems[index].function
        self.guard(index, lambda: function(step), (rows.action, memory))

    def _after_arrays(self, index: int, rows: _Rows) -> None:
        own, parameters, memory, draws = self._cut(index, rows)
        changed = rows.out[self._own.state.rows], rows.reward, rows.terminated
        chances = _frozen(parameters), memory, _frozen(draws)
        step = AfterArrays(_frozen(own), _frozen(rows.action), *changed, *chances)
        function = self.systems[index].function
        self.guard(index, lambda: function(step), (*changed, memory))

    def _before_elements(self, index: int, rows: _Rows) -> None:
        system, (own, *more) = self.systems[index], self._cut(index, rows)
        parameters, memory, draws = (tuple(each) for each in more)
        found = self.elements_of(
            system, BeforeStep(tuple(own), tuple(rows.action), parameters, memory, draws)
        )
        action, memory = found if system.memory else (found, ())
        _store((*action, *memory), (*rows.action, *more[1]))

    def _after_elements(self, index: int, rows: _Rows) -> None:
        system, (own, *more) = self.systems[index], self._cut(index, rows)
        following = rows.out[self._own.state.rows]
        results = tuple(following), rows.reward, rows.terminated
        parameters, memory, draws = (tuple(each) for each in more)
        step = AfterStep(tuple(own), tuple(rows.action), *results, parameters, memory, draws)
        found = self.elements_of(system, step)
        memory = found[3] if system.memory else ()
        _store((*found[0], *found[1:3], *memory), (*following, rows.reward, rows.terminated, *more[1]))

    def _cut(self, index: int, rows: _Rows) -> tuple[Float32Array, Float32Array, Float32Array, Float32Array]:
        """Return the world's own state, and the parameters, memory (of `out`) and draws of a system."""
        at: Places = self._places[index]
        own, memory = rows.state[self._own.state.rows], rows.out[at.state.rows]
        return own, rows.parameters[at.parameters.rows], memory, rows.draws[at.draws.rows]


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    """Return a read-only view: a value written there would be lost, or change the tick before."""
    view = array.view()
    view.flags.writeable = False
    return view


def _store(elements: tuple[Any, ...], rows: tuple[NDArray[Any], ...]) -> None:
    """Write elements to rows. All are copied first, since an element may itself be one of the rows."""
    values = [np.array(each) for each in elements]
    for row, value in zip(rows, values, strict=True):
        row[:] = value
