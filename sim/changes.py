"""Changes of a running engine: what they were, and which way each setting takes."""

from collections import deque
from dataclasses import dataclass, field
from enum import IntEnum

from valuescape.sim.config.files import Config, changed
from valuescape.sim.config.model import settings_of
from valuescape.sim.errors import UsageError
from valuescape.sim.plugins.loading import Loads
from valuescape.sim.policy.formats.given import STATED
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.policy.numbers import same_kind
from valuescape.sim.worlds import World
from valuescape.sim.worlds.parameters import spread_names


class Way(IntEnum):
    """How a change comes about; the greatest of its settings' ways decides."""

    ELSEWHERE = 0  # no part of the engine's work
    AT_REST = 1  # the workers rest for a moment while numbers in the arena are written
    SUCCESSION = 2  # another arena and another crew take over
    NEVER = 3  # it would be another run


@dataclass(frozen=True, slots=True)
class EngineChange:
    """A change that took effect: `config` holds from the tick after `tick` on."""

    tick: int
    config: Config = field(repr=False)


KEPT_CHANGES = 20_000
"""The most changes of a run that are kept: as many as a recording, or a picture's metadata, can have."""


class ChangeLog:
    """The changes that took effect, oldest first; of more than `KEPT_CHANGES` the newest.

    Performance: a change takes some 2 kB, for sections of its configuration that are as before are shared.
    """

    def __init__(self) -> None:
        self.count = 0
        """How many took effect, also of those that are not kept."""
        self._kept: deque[EngineChange] = deque(maxlen=KEPT_CHANGES)

    def add(self, change: EngineChange) -> None:
        """Add the newest change."""
        if self._kept:
            before, after = self._kept[-1].config, change.config
            names = [each for each in type(after).model_fields if each in type(before).model_fields]
            same = {each: getattr(before, each) for each in names}
            same = {each: value for each, value in same.items() if value == getattr(after, each)}
            shared = after.model_copy(update=same)
            change = EngineChange(change.tick, shared)
        self._kept.append(change)
        self.count += 1

    def since(self, seen: int) -> list[EngineChange]:
        """Return the changes after the first `seen`, as far as they are kept.

        Performance: 0.2 us for none.
        """
        new = min(self.count - seen, len(self._kept))
        return [self._kept[index] for index in range(-new, 0)] if new > 0 else []


@dataclass(frozen=True, slots=True)
class Wanted:
    """A configuration that an engine is to go on with, its checkpoint, and the plug-ins of its workers."""

    config: Config
    checkpoint: Checkpoint | None
    plugins: Loads


_ELSEWHERE = frozenset({"sim", "heatmap", "insight", "lod", "render", "health", "stats"})
_WAYS = {
    "agents.size_px": Way.ELSEWHERE,
    "heatmap.axes": Way.NEVER,
    "policy.exploration": Way.AT_REST,
    "policy.checkpoint": Way.ELSEWHERE,  # it comes as a value; see `way_between`
    "policy.steps": Way.ELSEWHERE,
    "policy.entropy_coefficient": Way.ELSEWHERE,
    "policy.torchscript_critic": Way.ELSEWHERE,
    **{f"policy.{each}": Way.ELSEWHERE for each in STATED},  # parts of the checkpoint
    "run.seconds": Way.ELSEWHERE,
    "run.record": Way.ELSEWHERE,
    "run.seed": Way.NEVER,
    "workers.cluster": Way.NEVER,
    "workers.nodes": Way.NEVER,
    "workers.keep_ticks": Way.ELSEWHERE,  # read by nodes alone, when they begin
    "world.name": Way.NEVER,
}
_CHOOSE = frozenset({"policy.checkpoint", "policy.steps"})
"""The settings that choose the checkpoint."""

_ENGINES = {
    "trails": {"trails.length"},
    "features": {"features.parallel_agents", "features.simd"},
}
"""The settings of these sections that the engine reads; it reads no others of them."""


def way_of(name: str) -> Way:
    """Return the way of a setting, `section.key`; a succession if it is not known here."""
    section = name.partition(".")[0]
    if name in _WAYS:
        return _WAYS[name]
    if section in _ELSEWHERE or name not in _ENGINES.get(section, {name}):
        return Way.ELSEWHERE
    return Way.SUCCESSION


def way_from(name: str, before: Config, after: Config) -> Way:
    """Return the way of a setting from one value to another.

    Other values of the world's parameters are written at rest; machine code depends on which are spread.
    Settings of the flock matter in no other world.
    """
    if name.startswith("flock.") and after.world.name != "flock":
        return Way.ELSEWHERE
    if name == "world.parameters":
        same = spread_names(before.world.parameters) == spread_names(after.world.parameters)
        return Way.AT_REST if same else Way.SUCCESSION
    return way_of(name)


def differing(before: Config, after: Config) -> list[str]:
    """Return the names of the settings that differ."""
    settings = settings_of(type(before)).items()
    return [name for name, each in settings if each.value_in(before) != each.value_in(after)]


def way_between(before: Wanted, after: Wanted) -> Way:
    """Return the way from one to the other. A checkpoint is the same if it is the same object."""
    ways = [way_from(name, before.config, after.config) for name in differing(before.config, after.config)]
    if after.checkpoint is not before.checkpoint:
        ways.append(Way.AT_REST if takes_place(before, after) else Way.SUCCESSION)
    if after.plugins != before.plugins:
        ways.append(Way.SUCCESSION)
    return max(ways, default=Way.ELSEWHERE)


def takes_place(before: Wanted, after: Wanted) -> bool:
    """Return whether the second policy is the first, or can take its place in the arena: of the same kind."""
    one, other = before.checkpoint, after.checkpoint
    return one is other or (one is not None and other is not None and same_kind(one, other))


def tuned(present: Wanted, wanted: Wanted) -> Wanted:
    """Return `present` with that part of `wanted` that needs no succession."""
    before, after, takes = present.config, wanted.config, takes_place(present, wanted)
    soon = (name for name in differing(before, after) if way_from(name, before, after) < Way.SUCCESSION)
    settings = settings_of(type(before))
    values = {name: settings[name].value_in(after) for name in soon if takes or name not in _CHOOSE}
    checkpoint = wanted.checkpoint if takes else present.checkpoint
    return Wanted(changed(before, values), checkpoint, present.plugins)


def require_same_run(before: Config, after: Config) -> None:
    """Raise UsageError, with the setting, if the change would be another run."""
    for name in differing(before, after):
        if way_of(name) is Way.NEVER:
            value = settings_of(type(after))[name].value_in(after)
            raise UsageError(f"{name} = {value!r} cannot change during a run", "begin a new run with it")


def require_same_states(before: World, after: World) -> None:
    """Raise UsageError if agents of one world cannot go on in the other."""
    for what, (old, new) in {
        "state variables": (_names(before), _names(after)),
        "actions": (before.action, after.action),
        "longest episode": (before.max_episode_steps, after.max_episode_steps),
    }.items():
        if old != new:
            said = f"world.name = {after.name!r}: the {what} would change from {old} to {new}"
            raise UsageError(said, "begin a new run with it")


def _names(world: World) -> tuple[str, ...]:
    return tuple(variable.name for variable in world.state)
