"""Finds the training run that a viewer is to watch, and waits for its first checkpoint."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from valuescape.attached.folder import FollowedFolder
from valuescape.attached.history import History
from valuescape.attached.published import PublishedRun
from valuescape.attached.source import Source
from valuescape.publishing.place import checked_name
from valuescape.publishing.subscription import NotPublishedError, Subscription, published
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats.given import Given

_LOOK_S = 0.2
"""Seconds between two looks while a training run is waited for."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A training run that has a checkpoint. world: "" if it does not name one."""

    source: Source
    history: History
    world: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """How to wait. check: called meanwhile; what it raises ends it. say: told what is waited for."""

    check: Callable[[], None]
    say: Callable[[str], None]

    def until(self, ready: Callable[[], bool], what: str) -> None:
        """Return when `ready` does so; say what is waited for if that is not at once."""
        if ready():
            return
        self.say(f"waiting for {what} (Ctrl-C ends it)")
        while not ready():
            self.check()
            time.sleep(_LOOK_S)


def open_target(target: str | None, waiting: Waiting, given: Given) -> Opened:
    """Return the training run that `target` names: published, or in a folder; None: the only one published.

    A name with a slash, or of a folder while nothing is published by it, is a folder, which need not be there
    yet. given: what is stated about its files. Waits for the training run and for its first checkpoint.
    Raises UsageError if several are published and none is named, or if nothing of the kind can come.
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
    found: list[Subscription] = []

    def there() -> bool:
        try:
            found.append(Subscription(name))
        except NotPublishedError:
            return False
        return True

    waiting.until(there, f"the training run {name} to be published")
    subscription = found[0]
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
    return Opened(PublishedRun(subscription, history), history, subscription.world)


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
