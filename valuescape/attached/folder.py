"""The source of updates of a training run that saves checkpoints in a folder."""

import threading
import time
from contextlib import suppress
from pathlib import Path

from valuescape.attached.history import History
from valuescape.attached.source import News
from valuescape.sim.errors import UsageError
from valuescape.sim.paths import reading
from valuescape.sim.policy.formats.known import FORMATS
from valuescape.sim.policy.loading import load_with_statistics
from valuescape.sim.policy.statistics import statistics_beside
from valuescape.sim.policy.training_files import Saved, first_line
from valuescape.sim.worlds import World

_LOOK_S = 0.2
"""Seconds between two looks at the folder: names, times and sizes, which network file systems tell, too."""

_QUIET_S, _BUSY_S = 0.3, 2.0
"""Seconds for which a folder has to stay as it is before its new files count as complete; and seconds after
which they are tried in a folder that does not come to rest."""

_STATISTICS = ".pkl"
"""The suffix of VecNormalize's files, which belong to checkpoints."""

_GIVE_UP_S = 5.0
"""Seconds after which a file that cannot be read counts as damaged, not as unfinished."""

_Stamp = dict[str, tuple[int, int]]
"""Time of the last change and size by the file's name."""


class FollowedFolder:
    """Updates from the folder of a training run: each checkpoint when its file is complete.

    The checkpoint after the most steps is the newest; a file that is written again counts as new. A thread
    looks at the folder, and reads; the last good checkpoint stays where a file cannot be used, or if the
    folder goes away. Files of other kinds, such as logs, may change all the time.
    """

    trainer = None
    """It is not known."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.name = history.folder.name or str(history.folder)
        self.alive = True
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._news: News | None = None
        self._said: list[str] = []
        self._told: set[str] = set()
        self._shown: object = None  # the checkpoint that was the news last, in the state of its files
        self._seen: _Stamp = {}
        self._thread: threading.Thread | None = None

    def begin(self, world: World) -> None:
        """Look for checkpoints of `world` from now on. The newest that the history has is no news."""
        self._world = world
        self._shown = _state(self.history.files().saved[-1])
        self._thread = threading.Thread(target=self._follow, name="folder", daemon=True)
        self._thread.start()

    def newest(self) -> News | None:
        """Return the newest checkpoint that was completed since the last call."""
        with self._lock:
            news, self._news = self._news, None
        return news

    def said(self) -> list[str]:
        """Return what became of the folder since the last call."""
        with self._lock:
            said, self._said = self._said, []
        return said

    def close(self) -> None:
        """End the thread."""
        self._over.set()
        if self._thread:
            self._thread.join()
            self._thread = None

    def _follow(self) -> None:
        stamp = self._seen
        since = tried = time.monotonic()
        while not self._over.wait(_LOOK_S):
            now, now_s = _stamp(self.history.folder), time.monotonic()
            self._note_presence(now is not None)
            if now is not None and now != stamp:
                stamp, since = now, now_s
            if now is None or stamp == self._seen:
                tried = now_s
            elif now_s - since >= _QUIET_S or now_s - tried >= _BUSY_S:
                tried = now_s
                if self._take(stamp, now_s - since):
                    self._seen = stamp

    def _note_presence(self, there: bool) -> None:
        if there == self.alive:
            return
        self.alive = there
        if there:
            self._say(f"{self.history.folder}: is there again", once=False)
        else:
            said = "is gone; the picture stays with the last checkpoint until it comes back"
            self._say(f"{self.history.folder}: {said}", once=False)

    def _take(self, stamp: _Stamp, quiet_s: float) -> bool:
        """Take over what changed; return whether that is done: files may have to be read again."""
        changed = {name for name, told in stamp.items() if self._seen.get(name) != told}
        try:
            found = self.history.look()
        except UsageError as error:
            if quiet_s >= _GIVE_UP_S:
                self._say(str(error).splitlines()[0])
            return quiet_s >= _GIVE_UP_S
        unread = [each for each in found.left_out if each.partition(":")[0] in changed]
        if unread and quiet_s < _GIVE_UP_S:
            self._show(found.saved[-1])
            return False
        for each in unread:
            self._say(f"{self.history.folder}: left out: {each}")
        self._show(found.saved[-1])
        return True

    def _show(self, saved: Saved) -> None:
        """Make the checkpoint with the most steps the news, if it is another one, or was written again."""
        state = _state(saved)
        if state == self._shown:
            return
        self._shown = state
        try:
            with reading(saved.path, "a checkpoint"):
                checkpoint = load_with_statistics(saved.path, self._world, self.history.given, doubts=False)
        except UsageError as error:
            said = first_line(error, saved.path)
            self._say(f"{self.history.folder}: left out, the last good one stays: {said}")
            return
        with self._lock:
            self._news = News(saved.steps, checkpoint, time.monotonic_ns())

    def _say(self, sentence: str, *, once: bool = True) -> None:
        with self._lock:
            if not (once and sentence in self._told):
                self._told.add(sentence)
                self._said.append(sentence)


def _state(saved: Saved) -> object:
    """Return what differs when a checkpoint, or the file of statistics beside it, was written again."""
    states: list[object] = []
    for each in (saved.path, statistics_beside(saved.path)):
        with suppress(OSError):  # it went away, or is not there yet
            about = each.stat() if each else None
            states.append(about and (about.st_mtime_ns, about.st_size))
    return saved, states


def _stamp(folder: Path) -> _Stamp | None:
    """Return the states of checkpoints and of folders in a folder; None if it is not there."""
    matter = {"", _STATISTICS, *FORMATS.suffixes()}
    try:
        with_state = ((path.name, path.stat()) for path in folder.iterdir() if path.suffix.lower() in matter)
        return {name: (about.st_mtime_ns, about.st_size) for name, about in with_state}
    except FileNotFoundError:
        return {} if folder.is_dir() else None  # a file went away between the two looks
    except OSError:
        return None
