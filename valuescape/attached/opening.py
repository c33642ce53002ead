"""Finds the training run that a viewer is to watch, and waits for its first checkpoint."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from valuescape.attached.folder import FollowedFolder
from valuescape.attached.history import History
from valuescape.attached.published import PublishedRun
from valuescape.attached.source import Source
from valuescape.publishing.history import kept_folders
from valuescape.publishing.place import checked_name
from valuescape.publishing.subscription import NotPublishedError, Subscription, published
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats.given import Given
from valuescape.sim.policy.loading import read_checkpoint

_LOOK_S = 0.2
"""Seconds between two looks while a training run is waited for."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A training run that has a checkpoint.

    world: "" if it does not name one. settings: those of the section `world` that its environment was made
    with, as in `Checkpoint.world_settings`.
    """

    source: Source
    history: History
    world: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def changes(self) -> dict[str, Any]:
        """Changes to a configuration, which show the training run in its world; {} if it names none."""
        if not self.world:
            return {}
        own = {f"world.{key}": value for key, value in self.settings.items()}
        return {"policy.checkpoint": str(self.history.folder), "world.name": self.world, **own}


@dataclass(frozen=True, slots=True)
class Waiting:
    """How to wait, and how long.

    check: called meanwhile; what it raises ends it. say: told what is waited for. most_s: seconds from now on
    after which the waiting ends; None for no end.
    """

    check: Callable[[], None]
    say: Callable[[str], None]
    most_s: float | None = None
    began_s: float = field(default_factory=time.monotonic)

    def until(self, ready: Callable[[], bool], what: str) -> None:
        """Return when `ready` does so; say what is waited for if that is not at once.

        Raises UsageError, with what was waited for, when the time is over.
        """
        if ready():
            return
        bound = "" if self.most_s is None else f", for {self.most_s:g} s at most"
        self.say(f"waiting for {what}{bound} (Ctrl-C ends it)")
        while not ready():
            self.check()
            if self.most_s is not None and time.monotonic() - self.began_s > self.most_s:
                hint = "--seconds N waits longer; valuescape attach --list shows what is published"
                raise UsageError(f"waited {self.most_s:g} s for {what}, in vain", hint)
            time.sleep(_LOOK_S)


def open_target(target: str | None, waiting: Waiting, given: Given) -> Opened:
    """Return the training run that `target` names: published, or in a folder; None: the only one published.

    A name with a slash, or of a folder while nothing is published by it, is a folder, which need not be there
    yet. given: what is stated about its files. Waits for the training run and for its first checkpoint; of
    one that has ended, or is not published yet, the history that it left in `runs` is opened meanwhile.
    Raises UsageError if several are published and none is named, if nothing of the kind can come, or if it
    does not come in time.
    """
    if target is None:
        return _open_published(_only_one(waiting), waiting)
    if _is_folder(target):
        return _open_folder(Path(target), waiting, given)
    return _open_published(checked_name(target), waiting)


def _is_folder(target: str) -> bool:
    if "/" in target or target in (".", ".."):
        return True
    return Path(target).is_dir() and target not in [each.name for each in published()]


def _only_one(waiting: Waiting) -> str:
    """Return the name of the one training run that is published, as soon as there is one."""
    waiting.until(lambda: bool(published()), "a training run that is published (valuescape.publish)")
    names = [each.name for each in published()]
    if len(names) > 1:
        raise UsageError(
            f"{len(names)} training runs are published: {', '.join(names)}",
            f"name one: valuescape attach {names[-1]}",
        )
    return names[0]


def _open_published(name: str, waiting: Waiting) -> Opened:
    try:
        subscription = Subscription(name)
    except NotPublishedError as error:
        return _past_of(name, error, waiting) or _open_running(_awaited(name, waiting), waiting)
    return _open_running(subscription, waiting)


def _awaited(name: str, waiting: Waiting) -> Subscription:
    """Return the subscription of a training run as soon as it is published."""
    found: list[Subscription] = []

    def there() -> bool:
        with suppress(NotPublishedError):
            found.append(Subscription(name))
        return bool(found)

    waiting.until(there, f"the training run {name} to be published")
    return found[0]


def _open_running(subscription: Subscription, waiting: Waiting) -> Opened:
    """Return a training run that is published, after its first update; it owns the subscription."""
    name = subscription.name
    history = History(subscription.history or Path(f"published-{name}"))

    def updated() -> bool:
        if update := subscription.newest():
            history.hold(update.step, update.checkpoint)
        elif not subscription.alive:
            raise UsageError(f"{name}: the training run ended before its first update")
        return update is not None

    try:
        waiting.until(updated, f"the first update of {name}")
        _look_once(history)
    except BaseException:
        subscription.close()
        raise
    held = history.held(history.files().saved[-1].steps)
    settings = held.world_settings if held else {}
    return Opened(PublishedRun(subscription, history), history, subscription.world, settings)


def _past_of(name: str, missing: NotPublishedError, waiting: Waiting) -> Opened | None:
    """Return a training run that is not published with its history; None if it left none.

    Raises `missing` if its trainer was killed, and left none.
    """
    left = missing.left
    if left is not None and not (left.history and Path(left.history).is_dir()):
        raise missing
    for folder in [Path(left.history)] if left else kept_folders(name):
        history = History(folder)
        _look_once(history)
        with suppress(UsageError):
            saved = history.files().saved[-1]
            why = f"its trainer (process {left.pid}) was killed" if left else "is not published now"
            waiting.say(f"{name}: {why}; this is its history, {folder}, until one of that name begins")
            last = read_checkpoint(saved.path)
            return Opened(PublishedRun(None, history, name), history, last.world, last.world_settings)
    return None


def _look_once(history: History) -> None:
    try:
        history.look()
    except UsageError:  # nothing is kept, or not yet
        return


def _open_folder(folder: Path, waiting: Waiting, given: Given) -> Opened:
    history = History(folder, given)

    def saved() -> bool:
        try:
            history.look()
        except UsageError:
            return False
        return True

    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder}: is a file, expected the folder of a training run", "name its folder")
    waiting.until(saved, f"the first checkpoint in {folder}")
    return Opened(FollowedFolder(history), history, "")
