"""The vocabulary of changes: all that keys, pointer and panel can ask of a run.

- `Set` gives a live setting another value. It takes effect at once.
- `Restart` begins a new run with other settings, live or not.
- `Preset` goes over to a preset or another configuration file: its settings, live or by a restart.
- `Slice` moves the critic's landscape along the state variables that are not on the map.
- `Select` selects the agent at a pixel.
- `Probe` selects the place of the map at a pixel.
- `GoTo` goes to a finding of the list.
- `SavePreset` writes the configuration as it is now into a file.
- `Touch` tells a plug-in what was done with one of its widgets.
- `Request` names an action without a value: pause, step, screenshot, quit.

A change is an immutable value, so that it can be queued, sent and compared. Its `redundancy_key` says which
later changes make it pointless: of those with the same key only the last needs to be applied (`needed`). A
slider that is dragged queues a thousand `Set`s of one name, and one of them counts. None as key: each counts.
Changes of the same `gesture`, such as a slider that is dragged over many frames, are undone as one.

Whoever asks makes changes; `valuescape.run.controls.Controls.apply` alone carries them out. A new kind of
change is a class here and a case there.
"""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import count
from typing import Any

_gestures = count(1)


def new_gesture() -> int:
    """Return a number for changes that belong together; no other gesture of this process has it."""
    return next(_gestures)


@dataclass(frozen=True, slots=True)
class Set:
    """Give the live setting `section.key` another value.

    gesture: those with the same number that follow each other are undone together; 0: each by itself.
    asker: the plug-in that asks for it, as messages name it; "" for a person.
    """

    name: str
    value: Any
    gesture: int = field(default=0, compare=False)
    asker: str = field(default="", compare=False)

    @property
    def redundancy_key(self) -> Hashable:
        """The name: a later value replaces this one."""
        return Set, self.name


@dataclass(frozen=True, slots=True)
class Restart:
    """Begin a new run with these settings changed (`section.key`: value). gesture: as of `Set`."""

    changes: Mapping[str, Any]
    gesture: int = field(default=0, compare=False)

    @property
    def redundancy_key(self) -> Hashable:
        """The names: a later restart replaces this one if it changes the same settings."""
        return Restart, frozenset(self.changes)


@dataclass(frozen=True, slots=True)
class Preset:
    """Go over to a preset, or to a configuration file, by the name that the command line would give it."""

    name: str

    @property
    def redundancy_key(self) -> Hashable:
        """The same for all: a later preset replaces this one."""
        return Preset


@dataclass(frozen=True, slots=True)
class Slice:
    """Show the landscape at these values of the state variables, one each; those of the axes mean nothing.

    gesture: as of `Set`.
    """

    values: tuple[float, ...]
    gesture: int = field(default=0, compare=False)

    @property
    def redundancy_key(self) -> Hashable:
        """The same for all: a later slice replaces this one."""
        return Slice


@dataclass(frozen=True, slots=True)
class Select:
    """Select the agent at pixel (x, y) of the picture."""

    x: float
    y: float

    @property
    def redundancy_key(self) -> Hashable:
        """The same for all: a later selection replaces this one."""
        return Select


@dataclass(frozen=True, slots=True)
class Probe:
    """Select the place of the map at pixel (x, y) of the picture."""

    x: float
    y: float

    @property
    def redundancy_key(self) -> Hashable:
        """The same for all: a later place replaces this one."""
        return Probe


@dataclass(frozen=True, slots=True)
class GoTo:
    """Go to the finding at an index of the list."""

    index: int

    @property
    def redundancy_key(self) -> Hashable:
        """The same for all: a later one replaces this one."""
        return GoTo


@dataclass(frozen=True, slots=True)
class SavePreset:
    """Write the configuration as it is now into a file. name: of the file, without its ending.

    here: into the current folder; else into the run's.
    """

    name: str
    here: bool

    @property
    def redundancy_key(self) -> Hashable:
        """None: each is a file."""
        return None


@dataclass(frozen=True, slots=True)
class Touch:
    """Tell a plug-in what a person did with a widget of its section in the panel.

    plugin: its name. label: of the widget. value: its new value; True of a button.
    """

    plugin: str
    label: str
    value: Any

    @property
    def redundancy_key(self) -> Hashable:
        """The widget: a later touch replaces this one."""
        return Touch, self.plugin, self.label


class Request(StrEnum):
    """An action without a value."""

    PAUSE = "pause"
    STEP = "step"
    FASTER = "faster"
    SLOWER = "slower"
    LATER = "later checkpoint"
    EARLIER = "earlier checkpoint"
    LIVE = "live"
    FIT = "fit"
    BOX = "box"
    NEXT_FINDING = "next finding"
    FINDING_BEFORE = "finding before"
    SCREENSHOT = "screenshot"
    FULL_SCREEN = "full screen"
    RELOAD = "reload shaders"
    UNDO = "undo"
    REDO = "redo"
    RESET = "reset all"
    LEAVE = "leave"
    QUIT = "quit"

    @property
    def redundancy_key(self) -> Hashable:
        """The action, if doing it twice in a row is the same as once; else None."""
        return None if self in _EACH_COUNTS else (Request, self.value)


_EACH_COUNTS = frozenset(
    {
        *(Request.PAUSE, Request.FULL_SCREEN),  # switches
        *(Request.STEP, Request.FASTER, Request.SLOWER),  # one more each time
        *(Request.LATER, Request.EARLIER),  # likewise
        *(Request.NEXT_FINDING, Request.FINDING_BEFORE),
        *(Request.UNDO, Request.REDO),
        Request.LEAVE,  # the second one quits
    }
)

Change = Set | Restart | Preset | Slice | Select | Probe | GoTo | SavePreset | Touch | Request


def needed(changes: Iterable[Change]) -> list[Change]:
    """Return the changes without those that a later one makes pointless, in their order."""
    kept: dict[Hashable, Change] = {}
    for index, change in enumerate(changes):
        key = change.redundancy_key
        if key is None:
            key = index
        kept.pop(key, None)  # a dict keeps the place of a key that is only written over
        kept[key] = change
    return list(kept.values())


def together(changes: Iterable[Change]) -> list[Change]:
    """Return the changes of settings as one gesture, so that they are undone together; others as they are."""
    gesture = new_gesture()
    found = []
    for change in changes:
        if isinstance(change, Set | Restart | Slice):
            change = replace(change, gesture=gesture)
        found.append(change)
    return found
