"""Files that are looked after while a run goes on: a thread tells of those that were saved.

An editor may write a file in place, in several steps, or write another one and rename it; for a moment the
file is missing, empty or cut off. So folders are watched, not files, and a file counts as saved once its
content has stayed the same for a while, longer if it looks unfinished.
"""

import errno
import queue
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from valuescape.sim.config.toml_reader import parse_toml

QUIET_S = 0.1
"""Time without a change after which a file is taken as saved."""

UNFINISHED_S = 1.0
"""The same for a file that looks unfinished: missing, empty, cut off, or no TOML where it should be."""

_LOOK_MS = 100
"""Interval at which the thread looks whether a file has settled."""

_STEP_MS = 20
"""Interval at which watchfiles looks for events, and whether it is to end."""

_MAX_BYTES = 4 * 2**20


@dataclass(frozen=True, slots=True)
class Saved:
    """A file that was saved; content: None if it is gone, or cannot be read."""

    path: Path
    content: bytes | None


@dataclass(frozen=True, slots=True)
class NotWatched:
    """The end of the watching; said: why, and what helps."""

    said: str


@dataclass(slots=True)
class _File:
    """A file as it was told of last (`known`), and as it was seen since."""

    known: bytes | None
    seen: bytes | None = None
    since_s: float = 0.0
    settling: bool = True


@dataclass(slots=True)
class _Watch:
    """What one thread watches, and its end. news: takes what it finds."""

    files: dict[Path, _File]
    news: "queue.SimpleQueue[Saved | NotWatched]"
    stop: threading.Event = field(default_factory=threading.Event)


class Watcher:
    """Watches files in a thread of its own, which `close` ends.

    Performance: `news` costs 60 ns a frame as long as nothing was saved. The thread wakes up ten times a
    second, for 20 us.
    """

    def __init__(self) -> None:
        self._news: queue.SimpleQueue[Saved | NotWatched] = queue.SimpleQueue()
        self._watch: _Watch | None = None
        self._thread: threading.Thread | None = None

    def watch(self, files: Mapping[Path, bytes | None]) -> None:
        """Watch these files from now on, in place of those before.

        files: by full path, with the content that the run has of them, so that a change made before the
        watching began is told too. The same files again change nothing.
        """
        if self._watch and self._watch.files.keys() == files.keys():
            return
        self.close()
        if files:
            found = {path: _File(known) for path, known in files.items()}
            self._watch = _Watch(found, self._news)
            self._thread = threading.Thread(
                target=_run, args=(self._watch,), name="valuescape-files", daemon=True
            )
            self._thread.start()

    @property
    def running(self) -> bool:
        """Whether files are being watched."""
        return self._thread is not None and self._thread.is_alive()

    def news(self) -> list[Saved | NotWatched]:
        """Return the files that were saved since the last call, in that order; never waits."""
        found = []
        while not self._news.empty():
            found.append(self._news.get())
        return found

    def close(self) -> None:
        """End the thread."""
        if self._watch and self._thread:
            self._watch.stop.set()
            self._thread.join()
        self._watch = self._thread = None


def content_of(path: Path) -> bytes | None:
    """Return the content of a plain file; None if there is none, if it cannot be read, or beyond 4 MiB."""
    try:
        if not path.is_file():  # a pipe would be waited for
            return None
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except OSError:
        return None
    return content if len(content) <= _MAX_BYTES else None


def _run(watch: _Watch) -> None:
    try:
        _settle_all(watch)
    except ImportError as error:
        watch.news.put(NotWatched(f"files are not watched: {error}\n  python -m pip install watchfiles"))
    except Exception as error:
        if not watch.stop.is_set():
            watch.news.put(NotWatched(f"files are not watched: {error}{_advice(error)}"))


def _advice(error: Exception) -> str:
    """Return what to do about an error of the system's, on a line of its own."""
    limit = getattr(error, "errno", None) in (errno.ENOSPC, errno.EMFILE) or "limit" in str(error)
    raised = "raise fs.inotify.max_user_watches or max_user_instances (sysctl), or " if limit else ""
    return f"\n  {raised}set WATCHFILES_FORCE_POLLING=1"


def _settle_all(watch: _Watch) -> None:
    """Tell of files that were saved, until the end is asked for."""
    import watchfiles  # here, as it takes 0.1 s, and the run need not wait for it

    folders = sorted({str(folder) for path in watch.files for folder in _folders(path)})
    events: Any = watchfiles.watch(
        *folders,
        watch_filter=None,
        step=_STEP_MS,
        debounce=5 * _STEP_MS,
        rust_timeout=_LOOK_MS,
        yield_on_timeout=True,
        stop_event=watch.stop,
        recursive=False,
        raise_interrupt=False,
    )
    by_folder = {folder: _files_in(folder, watch.files) for folder in folders}
    for changes in events:
        for _, name in changes:
            for file in by_folder.get(str(Path(name).parent), ()):
                file.settling = True
        now = time.monotonic()
        for path, file in watch.files.items():
            if file.settling:
                _settle(path, file, now, watch.news)


def _folders(path: Path) -> set[Path]:
    """Return the folders in which a change may change the file: its own, and that of what it is a link to."""
    return {path.parent, path.resolve().parent}


def _files_in(folder: str, files: Mapping[Path, _File]) -> list[_File]:
    return [file for path, file in files.items() if Path(folder) in _folders(path)]


def _settle(path: Path, file: _File, now_s: float, news: "queue.SimpleQueue[Saved | NotWatched]") -> None:
    """Look at a file that may have changed, and tell of it once it stays as it is."""
    content = content_of(path)
    if content != file.seen or not file.since_s:
        file.seen, file.since_s = content, now_s
    if content == file.known:
        file.settling = now_s - file.since_s < QUIET_S
        return
    wait_s = UNFINISHED_S if unfinished(path, file.known, content) else QUIET_S
    if now_s - file.since_s >= wait_s:
        file.known, file.settling, file.since_s = content, False, 0.0
        news.put(Saved(path, content))


def unfinished(path: Path, before: bytes | None, content: bytes | None) -> bool:
    """Return whether the content of a file looks as if more of it were to come.

    It is missing, blank, ends within a line, which it did not before, lacks the last line that it had (its
    key, where there is one), or is no TOML.
    """
    before = before or b""
    if content is None or not content.strip():
        return True
    if before.endswith(b"\n") and not content.endswith(b"\n"):
        return True
    last = before.rstrip().rpartition(b"\n")[2]
    if last.partition(b"=")[0] not in content:
        return True
    return path.suffix == ".toml" and not _is_toml(content)


def _is_toml(content: bytes) -> bool:
    try:
        parse_toml(content.decode("utf-8"))
    except ValueError:
        return False
    return True
