"""Recordings of runs (`.vsz`): all that is needed to run it again, and its state at some of its ticks.

A zip file of `recording.json` and NumPy arrays (`TICK/NAME.npy`). Both are data: reading one runs no code.
"""

import contextlib
import io
import math
import os
import platform
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from valuescape.environment import versions
from valuescape.parsing import parse_json
from valuescape.recordings.checksum import array_hash, checkpoint_hash
from valuescape.recordings.contents import (
    FORMATS,
    MAX_ARRAYS,
    MAX_SAMPLES,
    About,
    Format,
    RecordedChange,
    RecordedCheckpoint,
    RecordedTick,
)
from valuescape.recordings.means import divided
from valuescape.recordings.plugins import recorded_plugins
from valuescape.sim.cluster.requirements import without_cluster
from valuescape.sim.config.files import Config
from valuescape.sim.engine import Engine
from valuescape.sim.errors import UsageError
from valuescape.sim.interrupts import may_be_torn, unfinished
from valuescape.sim.paths import open_plain, reading
from valuescape.sim.policy.network import Checkpoint

SAMPLES = 20
"""Ticks that a recording keeps beside tick 0, unless the user names another number."""

ROWS_BYTES = 64 * 2**20
"""Bytes of states that a recording keeps at most, before compression; hashes are kept of every tick."""

_ABOUT = "recording.json"
_ABOUT_BYTES = 16 * 2**20
_HEADER_BYTES = 4096
_MEMBERS = MAX_SAMPLES * MAX_ARRAYS // 4
_ENCRYPTED = 0x1
_PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_HINT = "make one with: valuescape run PRESET --ticks K --record-run FILE.vsz"


def sampled_ticks(ticks: int, every: int | None) -> list[int]:
    """Return the ticks to keep of a run: 0, each `every`-th (None: a twentieth of the run), and the last.

    Raises UsageError if that would be more than MAX_SAMPLES.
    """
    every = every or -(-ticks // SAMPLES)
    if ticks // every > MAX_SAMPLES:
        least = -(-ticks // MAX_SAMPLES)
        raise UsageError(
            f"--record-every {every}: would keep {ticks // every:,} states of {ticks:,} ticks",
            f"name {least} or more; at most {MAX_SAMPLES:,} are kept",
        )
    return [*range(0, ticks, every), ticks]


class RunRecorder:
    """Writes a recording: `with RunRecorder(…) as recorder: recorder.add(engine)` at each sampled tick.

    The complete file appears when the block ends, also by an interrupt, with all that was added until then.
    After any other error, or if nothing was added, there is no file.
    """

    def __init__(self, path: Path, config: Config, checkpoint: Checkpoint | None, samples: int) -> None:
        """samples: the number of ticks that will be added, among which the room for rows is divided."""
        self.path, self.config, self.checkpoint = path, config, checkpoint
        self._expected = samples
        self._samples: list[RecordedTick] = []
        self._changes: list[RecordedChange] = []

    def __enter__(self) -> Self:
        self._partial = self.path.with_name(f".{self.path.name}.{os.getpid()}.partial")
        with contextlib.ExitStack() as owned:
            owned.enter_context(unfinished(self._partial))
            self._archive = zipfile.ZipFile(self._partial, "w", zipfile.ZIP_DEFLATED)
            self._owned = owned.pop_all()
        return self

    def add(self, engine: Engine) -> None:
        """Keep the newest tick, at which the engine rests."""
        if not self._samples:
            self.config = divided(self.config, engine)
        arrays = engine.tick_arrays()
        rows = self._keeps_rows(sum(array.nbytes for array in arrays.values()))
        hashes = {name: array_hash(array) for name, array in arrays.items()}
        tick = engine.newest_tick
        sample = RecordedTick(
            tick=tick, state_hash=engine.state_hash(), arrays=hashes, rows=rows, changes=len(self._changes)
        )
        self._samples.append(sample)
        for name, array in arrays.items() if rows else ():
            with self._archive.open(_member(tick, name), "w", force_zip64=True) as file:
                np.lib.format.write_array(file, np.ascontiguousarray(array), allow_pickle=False)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._samples and (kind is None or issubclass(kind, KeyboardInterrupt)):
                self._archive.writestr(_ABOUT, self._about().model_dump_json(indent=1))
                self._archive.close()
                self._partial.replace(self.path)
        finally:
            self._archive.close()
            self._partial.unlink(missing_ok=True)
            self._owned.close()

    def _keeps_rows(self, nbytes: int) -> bool:
        """Return whether to keep the rows of the next tick, as of each n-th one and of the last."""
        if nbytes > ROWS_BYTES:
            return False
        every = -(-self._expected // max(1, ROWS_BYTES // nbytes - 1))
        index = len(self._samples)
        return index % every == 0 or index == self._expected - 1

    def _about(self) -> About:
        acted = recorded_checkpoint(self.config, self.checkpoint) if self.checkpoint else None
        return About(
            world=self.config.world.name,
            seed=self.config.run.seed,
            checkpoint=acted,
            versions=exact_versions(),
            plugins=recorded_plugins(in_workers=True),
            config=without_cluster(self.config),
            samples=self._samples,
            changes=self._changes,
        )


class Recording:
    """A recording that was read; a context manager, as its file stays open.

    Raises UsageError if the file is missing, is no recording or is damaged, and says which.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with contextlib.ExitStack() as owned, self._reading(), may_be_torn():
            file = owned.enter_context(open_plain(path, _HINT))
            self._archive = owned.enter_context(self._open(file))
            self._require_sound()
            self.about = self._read_about()
            self._owned = owned.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._owned.close()

    def rows(self, tick: int, like: dict[str, NDArray[Any]]) -> Iterator[tuple[str, NDArray[Any]]]:
        """Yield (name, array) of the arrays kept of `tick`, of the shapes and dtypes of `like`.

        Raises UsageError if one is missing, of another shape or dtype, or damaged.
        """
        for name, expected in like.items():
            with self._reading():
                content = self._read(_member(tick, name), expected.nbytes + _HEADER_BYTES)
                array = self._array(f"{name} of tick {tick}", io.BytesIO(content), expected)
            yield name, array

    def _array(self, what: str, content: io.BytesIO, expected: NDArray[Any]) -> NDArray[Any]:
        """Return the array in a member. Its header is checked first, as NumPy allocates what that says."""
        try:
            version = np.lib.format.read_magic(content)
            if version == (1, 0):
                shape, _, dtype = np.lib.format.read_array_header_1_0(content)
        except Exception:  # NumPy uses Python's parser, which raises half a dozen kinds
            raise self._damaged(f"{what} is no array") from None
        if version != (1, 0):
            raise self._damaged(f"{what} is an array of an unknown version")
        if (shape, dtype) != (expected.shape, expected.dtype):
            raise self._damaged(f"{what} has another shape or type than the run's")
        if len(content.getbuffer()) - content.tell() != math.prod(shape) * dtype.itemsize:
            raise self._damaged(f"{what} has another size than its shape says")
        content.seek(0)
        array: NDArray[Any] = np.lib.format.read_array(content, allow_pickle=False)
        return array

    def _reading(self) -> contextlib.AbstractContextManager[None]:
        return reading(self.path, "a recording", _HINT)

    def _open(self, file: BinaryIO) -> zipfile.ZipFile:
        """Open the archive. Its size is checked first, as zipfile parses the whole directory at once."""
        if file.seek(0, io.SEEK_END) > 2 * (ROWS_BYTES + _ABOUT_BYTES):
            raise self._damaged("it is larger than a recording can be")
        if _marks(file) > 2 * _MEMBERS:
            raise self._damaged("it has more members than a recording can have")
        try:
            return zipfile.ZipFile(file)
        except zipfile.BadZipFile:
            raise UsageError(
                f"{self.path}: is no recording of Valuescape, or only a part of one", _HINT
            ) from None

    def _require_sound(self) -> None:
        """Raise UsageError if members are packed in an unknown way, together too large, or damaged."""
        members = self._archive.infolist()
        if any(each.compress_type not in _PACKED or each.flag_bits & _ENCRYPTED for each in members):
            raise self._damaged("it is packed in a way that recordings are not")
        if sum(each.file_size for each in members) > 2 * (ROWS_BYTES + _ABOUT_BYTES):
            raise self._damaged("it would unpack to more than a recording can hold")
        try:
            broken = self._archive.testzip()
        except Exception as error:  # zipfile and zlib raise half a dozen kinds for damaged input
            raise self._damaged(str(error)) from None
        if broken:
            raise self._damaged(f"the check sum of {broken} is wrong")

    def _read_about(self) -> About:
        if _ABOUT not in self._archive.namelist():
            raise UsageError(f"{self.path}: is a zip file, but no recording of Valuescape", _HINT)
        content = self._read(_ABOUT, _ABOUT_BYTES)
        found = parse_json(content, Format, self._damaged).format
        if found not in FORMATS:
            raise UsageError(f"{self.path}: is of a kind that this version of Valuescape does not read")
        return parse_json(content, About, self._damaged)

    def _read(self, member: str, most: int) -> bytes:
        """Return the content of `member`. Its size is checked first: it might unpack to any size."""
        try:
            if self._archive.getinfo(member).file_size > most:
                raise self._damaged(f"{member} is larger than it can be")
            return self._archive.read(member)
        except KeyError:
            raise self._damaged(f"{member} is missing") from None

    def _damaged(self, what: str) -> UsageError:
        return UsageError(f"{self.path}: this recording is damaged ({what})", "record the run again")


def recorded_checkpoint(config: Config, checkpoint: Checkpoint) -> RecordedCheckpoint:
    """Return the checkpoint that acts, as a recording names it."""
    return RecordedCheckpoint(name=config.policy.checkpoint, sha256=checkpoint_hash(checkpoint))


def _marks(file: BinaryIO) -> int:
    """Return about how many entries the directory of a zip file has, by the mark that each begins with."""
    file.seek(0)
    return sum(chunk.count(b"PK\x01\x02") for chunk in iter(lambda: file.read(2**20), b""))


def exact_versions() -> dict[str, str]:
    """Return the processor's architecture and the versions that the last bits of a state may depend on."""
    found = {**versions(), "machine": platform.machine()}
    return {name: found[name] for name in ("python", "machine", "valuescape", "numpy", "numba", "gymnasium")}


def _member(tick: int, name: str) -> str:
    return f"{tick}/{name.replace(' ', '-')}.npy"
