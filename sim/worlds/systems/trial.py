"""Tries systems with a few agents in NumPy, before anything is compiled, and names their faults."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.arrays import Float32Array
from valuescape.sim.errors import UsageError
from valuescape.sim.worlds.base import ArrayWorld, ContinuousAction, DiscreteAction
from valuescape.sim.worlds.systems.arrays import SystemsWorld, place_of
from valuescape.sim.worlds.systems.declared import AfterStep, BeforeStep, System
from valuescape.sim.worlds.trial import (
    AGENTS,
    SPLIT,
    UnfitError,
    check_element,
    check_elements,
    check_functions,
    described,
    hint_for,
    trial_actions,
    trial_parameters,
)

_GUIDE = 'docs/plugins.md has examples; worlds=("point_mass",) names the worlds that a system is for'


def check_names(world: ArrayWorld, systems: Sequence[System]) -> None:
    """Raise UsageError if a parameter or a memory has a name that is taken; it names both owners."""
    for kind, own in (("memory", world.state), ("parameters", world.parameters)):
        taken = {each.name: f"world {world.name}" for each in own}
        for system in systems:
            for each in getattr(system, kind):
                if each.name in taken:
                    raise UsageError(
                        f"{system}: {kind}: the name {each.name!r} is taken by {taken[each.name]}",
                        "expected a name of its own",
                    )
                taken[each.name] = str(system)


def try_systems(world: ArrayWorld, systems: Sequence[System]) -> None:
    """Try one step of AGENTS agents with the first of `systems`, the first two, and so on.

    So each fault belongs to the last of them. Raises UsageError with system, file, line and reason.
    """
    for count in range(1, len(systems) + 1):
        tried = _Trial(world, systems[:count])
        try:
            if not tried.newest.arrays:
                check_functions([tried.newest.function])
            tried.run()
        except UnfitError as error:
            raise UsageError(f"{tried.newest}: {error}", error.hint or _GUIDE) from error
        except _RaisedError as error:
            raise UsageError(
                f"system {tried.newest.name}: {error}", error.hint or _GUIDE
            ) from error.__cause__


class _RaisedError(Exception):
    """A system raised; the message has the line and the error."""

    def __init__(self, system: System, error: Exception) -> None:
        super().__init__(f"{place_of(error, system)}: {type(error).__name__}: {error}")
        self.hint = hint_for(error)


class _Trial(SystemsWorld):
    """A world with systems, the newest of which is tried: what it returns or writes is checked."""

    def __init__(self, inner: ArrayWorld, systems: Sequence[System]) -> None:
        super().__init__(inner, systems)
        self.newest = systems[-1]
        self.guard = self._called
        self.declared = inner.parameters + tuple(each for system in systems for each in system.parameters)
        memory = [each.name for system in systems for each in system.memory]
        self.variables = [*(each.name for each in inner.state), *memory]

    def run(self) -> None:
        """Make a step of all agents, and one of each of two parts, which must give the same."""
        rng = np.random.default_rng(12)
        state = np.zeros((len(self.variables), AGENTS), np.float32)
        self.reset(rng.random((self.inner.reset_draws, AGENTS), np.float32), state)
        count = self.inner.step_draws + sum(system.draws for system in self.systems)
        draws = rng.random((count, AGENTS), np.float32)
        arrays = state, trial_actions(self.inner), trial_parameters(self.declared), draws
        whole = self._stepped(*arrays)
        halves = slice(SPLIT), slice(SPLIT, None)
        parts = [self._stepped(*(each[:, half].copy() for each in arrays)) for half in halves]
        if not np.allclose(whole, np.concatenate(parts, axis=1), rtol=1e-4, atol=1e-6):
            raise UnfitError(
                "what becomes of an agent depends on which others are in the call",
                "expected each agent's numbers to be made of its own alone",
            )

    def _stepped(
        self, state: Float32Array, action: Float32Array, parameters: Float32Array, draws: Float32Array
    ) -> Float32Array:
        """Return the results of a step, one row for each variable, finite."""
        n = state.shape[1]
        out, reward, terminated = np.zeros_like(state), np.zeros(n, np.float32), np.zeros(n, np.bool_)
        for array in (state, action, parameters, draws):
            array.flags.writeable = False  # a system that writes there would change the tick before
        with np.errstate(all="ignore"):
            self.step(state, action, out, reward, terminated, parameters, draws)
        for name, values in zip([*self.variables, "reward"], [*out, reward], strict=True):
            if not np.isfinite(values).all():
                bad = values[~np.isfinite(values)][0]
                raise UnfitError(f"makes {name} {bad} from finite numbers", "expected finite numbers")
        return np.stack([*out, reward, terminated])

    def _called(self, index: int, call: Callable[[], Any], changed: Sequence[NDArray[Any]]) -> None:
        """Call an array system."""
        del changed
        system = self.systems[index]
        found = self._guarded(system, call)
        if found is not None:
            raise UnfitError(
                f"returns {described(found)}",
                "expected None: an array system writes into the arrays it is given, step.reward[:] = …",
            )

    def elements_of(self, system: System, step: BeforeStep | AfterStep) -> Any:
        """Return what an element-wise system makes of `step`; checked if it is the newest."""
        found = self._guarded(system, lambda: system.function(step))
        if system is self.newest and len(step.state[0]) == AGENTS:
            _check_results(system, self.inner, found)
        return found

    def _guarded(self, system: System, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except Exception as error:
            raise _RaisedError(system, error) from error


def _check_results(system: System, world: ArrayWorld, found: Any) -> None:
    """Raise UnfitError if an element-wise system returns other elements than it should."""
    before = system.when == "before"
    parts = ["action"] if before else ["next_state", "reward", "terminated"]
    parts += ["memory"] * bool(system.memory)
    expected = f"expected ({', '.join(parts)})" if len(parts) > 1 else "expected the action, a tuple"
    if len(parts) > 1 and (not isinstance(found, tuple) or len(found) != len(parts)):
        raise UnfitError(f"returns {described(found)}", expected)
    results = dict(zip(parts, found if len(parts) > 1 else (found,), strict=True))
    if "memory" in results:
        check_elements("it", results["memory"], [each.name for each in system.memory], "memory")
    if before:
        check_elements("it", results["action"], _action_names(world), "the world's action")
        _check_choice(world, results["action"])
        return
    check_elements("it", results["next_state"], [each.name for each in world.state], "the world's state")
    check_element("it", "reward", results["reward"], np.float32)
    check_element("it", "terminated", results["terminated"], np.bool_)


def _action_names(world: ArrayWorld) -> list[str]:
    space = world.action
    return [each.name for each in space.variables] if isinstance(space, ContinuousAction) else ["choice"]


def _check_choice(world: ArrayWorld, action: tuple[Any, ...]) -> None:
    if isinstance(world.action, DiscreteAction) and (np.floor(action[0]) != action[0]).any():
        raise UnfitError("returns a choice that is no whole number", "expected the index of a choice")
