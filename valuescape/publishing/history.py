"""The updates of a training run on disk: a folder that `policy.checkpoint` takes as a training run.

Files are written in a thread of the trainer's process: at most two a second, and fewer where a file takes
long: the thread takes 1/800 of the time. Of a long run a bounded number is kept: the first, the newest
quarter, and between those fewer the older they are.

The thread keeps the priority of the trainer. With a lower one it could be held up while it has Python's lock,
and the trainer with it.
"""

import contextlib
import itertools
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from valuescape.publishing.layout import Networks, views
from valuescape.sim.arrays import Float32Array
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats.native import save_parts

MAX_FILES = 200
MAX_BYTES = 256 * 2**20
_LEAST_FILES = 4
_EVERY_S = 0.5
_SHARE = 1 / 800
_PATIENCE_S = 5.0
"""How long the end of a run waits for a file that is being written, as on a disk that hangs."""


class History:
    """The files of one training run.

    folder: is made with the first file. Files that are there already stay, unless they are of the same step.
    say: called with a sentence about what goes wrong, from the thread.
    """

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self.folder = folder
        self._say = say
        self._files: dict[int, Path] = {}
        self._next: Callable[[], None] | None = None
        self._offered = threading.Condition()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def offer(
        self, networks: Networks, weights: Float32Array, step: int, metadata: Mapping[str, str]
    ) -> None:
        """Have an update written; returns at once. weights: are copied.

        One that follows too soon waits, and is replaced by the next; the last of a run is always written.
        """
        flat = weights.copy()
        with self._offered:
            self._next = lambda: self._write(networks, flat, step, metadata)
            self._offered.notify()
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="valuescape history", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Return when the last update that was offered is written, or after five seconds."""
        self._over.set()
        with self._offered:
            self._offered.notify()
        if self._thread is not None:
            self._thread.join(_PATIENCE_S)

    def _work(self) -> None:
        while (write := self._waited_for()) is not None:
            begun = time.thread_time()
            write()
            self._over.wait(max(_EVERY_S, (time.thread_time() - begun) / _SHARE))

    def _waited_for(self) -> Callable[[], None] | None:
        """Return what to write next, as soon as there is something; None at the end."""
        with self._offered:
            self._offered.wait_for(lambda: self._next is not None or self._over.is_set())
            write, self._next = self._next, None
        return write

    def _write(self, networks: Networks, flat: Float32Array, step: int, metadata: Mapping[str, str]) -> None:
        path = self.folder / f"step_{step:012d}.safetensors"
        try:
            save_parts(views(flat, networks.shapes), networks.metadata | dict(metadata), path)
        except UsageError as error:
            self._say(f"the history is not kept: {error}")
            return
        self._files[step] = path
        self._thin(4 * flat.size)

    def _thin(self, size: int) -> None:
        """Remove files until no more are left than are kept."""
        most = max(_LEAST_FILES, min(MAX_FILES, MAX_BYTES // max(size, 1)))
        while len(self._files) > most:
            dropped = least_missed(sorted(self._files))
            with contextlib.suppress(OSError):
                self._files.pop(dropped).unlink()


def least_missed(steps: list[int]) -> int:
    """Return the one of `steps` (ascending, four or more) whose loss leaves the smallest gap for its age.

    Neither the first nor one of the newest quarter.
    """
    newest = steps[-1]
    inner = range(1, max(2, len(steps) * 3 // 4))
    return steps[min(inner, key=lambda i: (steps[i + 1] - steps[i - 1]) / (newest - steps[i - 1]))]


def free_folder(name: str, parent: Path = Path("runs")) -> Path:
    """Return a folder for the history of a run: `runs/NAME`, `runs/NAME-2` if that has files, and so on."""
    found = (each for each in _candidates(name, parent) if not _has_files(each))
    return next(found, parent / name).absolute()


def kept_folders(name: str, parent: Path = Path("runs")) -> list[Path]:
    """Return the folders with the histories of runs of that name, the newest first."""
    kept = list(itertools.takewhile(_has_files, _candidates(name, parent)))
    return [each for each in reversed(kept) if each.is_dir()]


def _candidates(name: str, parent: Path) -> Iterator[Path]:
    return (parent / (name if count == 1 else f"{name}-{count}") for count in range(1, 10_000))


def _has_files(folder: Path) -> bool:
    try:
        return any(folder.iterdir())
    except NotADirectoryError:
        return True
    except OSError:
        return False
