"""The past of a training run that goes on: checkpoints in its folder, and the newest ones in memory."""

import threading
from contextlib import suppress
from pathlib import Path

from valuescape.sim.errors import UsageError
from valuescape.sim.paths import reading
from valuescape.sim.policy.formats.given import Given
from valuescape.sim.policy.formats.known import FORMATS
from valuescape.sim.policy.loading import read_checkpoint
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.policy.training_files import Saved, TrainingFiles, training_files

_HELD_BYTES = 128 * 2**20
"""The memory that checkpoints may take that are in no file (yet)."""

_LEAST_HELD = 8

NOTHING = Given()


class History:
    """The checkpoints of a training run by their steps, for `training_run.follow`.

    One thread holds updates and asks; `look` may be called by another. folder: it need not be there; set it,
    and the next `look` is at another. given: what is stated about all files in it.
    """

    def __init__(self, folder: Path, given: Given = NOTHING) -> None:
        self.folder, self.given = folder, given
        self.revision = 0
        """Goes up when there are others."""
        self._held: dict[int, Checkpoint] = {}  # the newest last
        self._found = TrainingFiles(folder)
        self._listed = -1, TrainingFiles(folder)  # the revision, and all checkpoints then
        self._versions: dict[tuple[Path, int, int], int] = {}
        self._lock = threading.Lock()

    def hold(self, steps: int, checkpoint: Checkpoint) -> None:
        """Keep an update in memory; of the oldest that are there, so many go as take too much room."""
        with self._lock:
            self._held.pop(steps, None)
            self._held[steps] = checkpoint
            room = _HELD_BYTES // _nbytes(checkpoint)
            while len(self._held) > max(_LEAST_HELD, room):
                self._held.pop(next(iter(self._held)))
            self.revision += 1

    def begin_again(self) -> None:
        """Forget all: another training run began in the place of this one."""
        with self._lock:
            self._held.clear()
            self._found = TrainingFiles(self.folder)
            self.revision += 1

    def look(self) -> TrainingFiles:
        """Look what is in the folder now, and return it. Raises UsageError if no file can be used.

        Where no file says its steps, the one that was written last is taken, and its versions are counted.

        Performance: as of `training_files`.
        """
        folder = self.folder
        try:
            found = training_files(folder, self.given)
        except UsageError as error:
            newest = self._newest_version(folder)
            if newest is None:
                raise
            found = TrainingFiles(folder, [newest], [str(error).splitlines()[0]])
        with self._lock:
            if folder == self.folder and found.saved != self._found.saved:
                self._found = found
                self.revision += 1
        return found

    def _newest_version(self, folder: Path) -> Saved | None:
        """Return the file that was written last; its steps are those that it says, or the number of its
        version. None if there is none, or if it cannot be read."""
        with suppress(UsageError, OSError, ValueError):
            files = [each for each in folder.iterdir() if each.suffix.lower() in FORMATS.suffixes()]
            path = max(files, key=lambda each: each.stat().st_mtime_ns)
            about = path.stat()
            version = path, about.st_mtime_ns, about.st_size
            if version not in self._versions:
                with reading(path, "a checkpoint"):
                    said = read_checkpoint(path, self.given).training.timesteps
                self._versions[version] = len(self._versions) + 1 if said is None else said
            return Saved(path, self._versions[version])
        return None

    def files(self) -> TrainingFiles:
        """Return all checkpoints, those in memory too, whose files need not be there. Raises UsageError.

        Performance: 1 us if there are the same as before.
        """
        with self._lock:
            if self._listed[0] != self.revision:
                self._listed = self.revision, self._all()
            files = self._listed[1]
        if not files.saved:
            raise UsageError(f"{self.folder}: has no checkpoints yet")
        return files

    def _all(self) -> TrainingFiles:
        saved = {each.steps: each for each in self._found.saved}
        for steps in self._held:
            saved.setdefault(steps, Saved(self.folder / f"{steps}.safetensors", steps))
        return TrainingFiles(self.folder, [saved[steps] for steps in sorted(saved)])

    def held(self, steps: int) -> Checkpoint | None:
        """Return the checkpoint after so many steps, if it is in memory."""
        return self._held.get(steps)


def _nbytes(checkpoint: Checkpoint) -> int:
    networks = (checkpoint.actor, *checkpoint.critics)
    return sum(layer.weight.nbytes + layer.bias.nbytes for net in networks for layer in net.layers) or 1
