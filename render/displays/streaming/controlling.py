"""Which of several viewers controls: the first, until it leaves or lets another take over."""

from collections.abc import Mapping
from typing import Any

from valuescape.render.displays.events import Button, Edit, Event, Press, Release
from valuescape.render.displays.streaming.messages import Control

ANSWER_S = 8.0
"""Seconds that the viewer that controls has to refuse another one."""


class Controlling:
    """Knows the viewers, and which of them controls; `take_news` has what they are to be told.

    A viewer that leaves is replaced at once: by the one that asks, else by the one that has been there for
    longest. One that asked and was refused has to wait before it asks again. Viewers are numbers; `now` is
    the time of any clock, in seconds. Not safe for several threads.
    """

    def __init__(self) -> None:
        self.viewers: list[int] = []
        self.controller: int | None = None
        self._asker: int | None = None
        self._asked_s = 0.0
        self._refused_s: dict[int, float] = {}
        self._news: list[tuple[int, Mapping[str, Any]]] = []

    def join(self, viewer: int) -> None:
        """Take in a viewer, which controls if it is the only one."""
        self.viewers.append(viewer)
        if self.controller is None:
            self.controller = viewer
        self._tell_roles()

    def leave(self, viewer: int) -> None:
        """Let a viewer go; nothing if it is not there."""
        if viewer not in self.viewers:
            return
        self.viewers.remove(viewer)
        self._refused_s.pop(viewer, None)
        asker = self._asker
        if viewer == asker:
            self._asker = None
        if viewer == self.controller:
            self._asker = None
            first = self.viewers[0] if self.viewers else None
            self.controller = asker if asker in self.viewers else first
            if asker is not None and asker == self.controller:
                self._say_answer(asker, given=True)
        self._tell_roles()

    def say(self, viewer: int, what: Control, now: float, *, seen: bool = True) -> None:
        """Take in what a viewer asks or answers. seen: whether the one that controls is seen by anyone."""
        if what is Control.ASK:
            self._ask(viewer, now, seen=seen)
        elif viewer == self.controller and self._asker is not None:
            self._answer(given=what is Control.GIVE, now=now)

    def look(self, now: float) -> None:
        """Let the viewer that asks take over if it got no answer in time."""
        if self._asker is not None and now - self._asked_s >= ANSWER_S:
            self._answer(given=True, now=now)

    def take_news(self) -> list[tuple[int, Mapping[str, Any]]]:
        """Return what viewers are to be told since the last call: (viewer, message)."""
        news, self._news = self._news, []
        return news

    def _ask(self, viewer: int, now: float, *, seen: bool) -> None:
        if viewer == self.controller or viewer == self._asker:
            return
        waits = now - self._refused_s.get(viewer, -ANSWER_S) < ANSWER_S
        if self._asker is not None or waits:
            self._say_answer(viewer, given=False)
            return
        self._asker, self._asked_s = viewer, now
        if not seen or self.controller is None:
            self._answer(given=True, now=now)
        else:
            self._news.append((self.controller, {"type": "asked", "by": viewer, "within_s": ANSWER_S}))

    def _answer(self, *, given: bool, now: float) -> None:
        asker, self._asker = self._asker, None
        assert asker is not None
        self._say_answer(asker, given=given)
        if given:
            self.controller = asker
            self._tell_roles()
        else:
            self._refused_s[asker] = now

    def _say_answer(self, viewer: int, *, given: bool) -> None:
        self._news.append((viewer, {"type": "answered", "given": given}))

    def _tell_roles(self) -> None:
        for each in self.viewers:
            said = {"type": "role", "controls": each == self.controller, "controller": self.controller}
            self._news.append((each, {**said, "viewer": each, "viewers": len(self.viewers)}))


class Held:
    """The buttons and keys that are down, so that they can be let go for a viewer that no longer controls."""

    def __init__(self) -> None:
        self._buttons: dict[Button, tuple[float, float]] = {}
        self._keys: set[str] = set()

    def note(self, events: tuple[Event, ...]) -> None:
        """Note what goes down and up."""
        for event in events:
            match event:
                case Press(button, x, y):
                    self._buttons[button] = x, y
                case Release(button):
                    self._buttons.pop(button, None)
                case Edit(name, True):
                    self._keys.add(name)
                case Edit(name, False):
                    self._keys.discard(name)

    def let_go(self) -> list[Event]:
        """Return the events that let go of everything, each at the place where it was pressed."""
        events: list[Event] = [Release(button, x, y) for button, (x, y) in self._buttons.items()]
        events += [Edit(name, down=False) for name in sorted(self._keys)]
        self._buttons.clear()
        self._keys.clear()
        return events
