"""Recordings of runs (`.vsz`): what is needed to run it again, and what it came to at some of its ticks.

A zip file of `recording.json` and NumPy arrays (`TICK/NAME.npy`), both data: reading one runs no code.
"""

import io
import json
import os
import platform
import zipfile
import zlib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sim.config import Config
from sim.engine import Engine
from sim.errors import UsageError
from sim.policy.network import Checkpoint
from valuescape.checksum import array_hash, checkpoint_hash

SAMPLES = 20
"""Ticks that a recording keeps, beside tick 0, unless told otherwise."""

MAX_SAMPLES = 10_000
ROWS_BYTES = 64 * 2**20
"""States that a recording keeps at most, before compression; hashes are kept of every sampled tick."""

_ABOUT = "recording.json"
_ABOUT_BYTES = 64 * 2**20
_HEADER_BYTES = 4096
_SHA256 = r"^[0-9a-f]{64}$"
_UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class RecordedCheckpoint(_Part):
    """Which checkpoint acted: the file it came from, and the hash of its tensors."""

    name: str
    sha256: str = Field(pattern=_SHA256)


class Sample(_Part):
    """What a run came to at one tick; `rows` says whether the arrays themselves are kept."""

    tick: int = Field(ge=0)
    state_hash: str = Field(pattern=_SHA256)
    arrays: dict[str, str]
    rows: bool


class About(_Part):
    """All of a recording but its arrays."""

    format: Literal["valuescape-recording-1"] = "valuescape-recording-1"
    world: str
    seed: int
    checkpoint: RecordedCheckpoint | None
    versions: dict[str, str]
    config: Config
    samples: tuple[Sample, ...] = Field(min_length=1)


def sampled_ticks(ticks: int, every: int | None) -> list[int]:
    """Return the ticks to keep of a run: 0, each `every`-th (a twentieth of the run), and the last.

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

    The file appears whole when the block ends, with what was added until then, after an interrupt too;
    after any other error, or if nothing was added, there is none.
    """

    def __init__(self, path: Path, config: Config, checkpoint: Checkpoint | None, samples: int) -> None:
        """samples: how many will be added; it decides of how many there is room for the rows."""
        self.path, self.config, self.checkpoint = path, config, checkpoint
        self._expected = samples
        self._samples: list[Sample] = []

    def __enter__(self) -> Self:
        self._partial = self.path.with_name(f".{self.path.name}.{os.getpid()}.partial")
        self._archive = zipfile.ZipFile(self._partial, "w", zipfile.ZIP_DEFLATED)
        return self

    def add(self, engine: Engine) -> None:
        """Keep the newest tick, at which the engine rests."""
        arrays = engine.tick_arrays()
        rows = self._keeps_rows(sum(array.nbytes for array in arrays.values()))
        hashes = {name: array_hash(array) for name, array in arrays.items()}
        tick = engine.newest_tick
        self._samples.append(Sample(tick=tick, state_hash=engine.state_hash(), arrays=hashes, rows=rows))
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

    def _keeps_rows(self, nbytes: int) -> bool:
        """Whether the next sample's rows have their share of the room: each n-th one's do, and the last's."""
        if nbytes > ROWS_BYTES:
            return False
        every = -(-self._expected // max(1, ROWS_BYTES // nbytes - 1))
        index = len(self._samples)
        return index % every == 0 or index == self._expected - 1

    def _about(self) -> About:
        acted = None
        if self.checkpoint:
            acted = RecordedCheckpoint(
                name=self.config.policy.checkpoint, sha256=checkpoint_hash(self.checkpoint)
            )
        return About(
            world=self.config.world.name,
            seed=self.config.run.seed,
            checkpoint=acted,
            versions=versions(),
            config=self.config,
            samples=tuple(self._samples),
        )


class Recording:
    """A recording that was read; a context manager, for its file stays open.

    Raises UsageError if the file is missing, foreign or damaged, saying which.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._archive = zipfile.ZipFile(path)
        except FileNotFoundError:
            raise UsageError(f"{path}: there is no such recording") from None
        except OSError as error:
            raise UsageError(f"{path}: cannot be read ({error.strerror})") from None
        except zipfile.BadZipFile:
            raise UsageError(
                f"{path}: is no recording of Valuescape, or only a part of one",
                "make one with: valuescape run PRESET --ticks K --record-run FILE.vsz",
            ) from None
        try:
            self._require_sound()
            self.about = self._read_about()
        except BaseException:
            self._archive.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._archive.close()

    def rows(self, tick: int, like: dict[str, NDArray[Any]]) -> Iterator[tuple[str, NDArray[Any]]]:
        """Give the arrays kept of `tick` by name, of the shapes and dtypes of `like`. Raises UsageError."""
        for name, expected in like.items():
            content = self._read(_member(tick, name), expected.nbytes + _HEADER_BYTES)
            try:
                array = np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
            except (ValueError, EOFError):
                raise self._damaged(f"{name} of tick {tick} is no array") from None
            if (array.shape, array.dtype) != (expected.shape, expected.dtype):
                raise self._damaged(f"{name} of tick {tick} has another shape than the run's")
            yield name, array

    def _require_sound(self) -> None:
        """Raise UsageError if a member's check sum is wrong, or all of them are larger than they can be."""
        if sum(each.file_size for each in self._archive.infolist()) > 2 * (ROWS_BYTES + _ABOUT_BYTES):
            raise self._damaged("it would unpack to more than a recording can hold")
        try:
            broken = self._archive.testzip()
        except _UNREADABLE as error:
            raise self._damaged(str(error)) from None
        if broken:
            raise self._damaged(f"the check sum of {broken} is wrong")

    def _read_about(self) -> About:
        if _ABOUT not in self._archive.namelist():
            raise UsageError(f"{self.path}: is a zip file, but no recording of Valuescape")
        try:
            tables = json.loads(self._read(_ABOUT, _ABOUT_BYTES))
            if not isinstance(tables, dict) or tables.get("format") != About.model_fields["format"].default:
                raise UsageError(f"{self.path}: is of a kind that this version of Valuescape does not read")
            return About.model_validate_json(json.dumps(tables))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise self._damaged(f"{where}: {first['msg']}") from None
        except ValueError:
            raise self._damaged(f"{_ABOUT} is no JSON") from None

    def _read(self, member: str, most: int) -> bytes:
        """Return what is in `member`, whose size is looked at first: it might unpack to anything."""
        try:
            if self._archive.getinfo(member).file_size > most:
                raise self._damaged(f"{member} is larger than it can be")
            return self._archive.read(member)
        except KeyError:
            raise self._damaged(f"{member} is missing") from None
        except _UNREADABLE as error:
            raise self._damaged(f"{member}: {error}") from None

    def _damaged(self, what: str) -> UsageError:
        return UsageError(f"{self.path}: this recording is damaged ({what})", "record the run again")


def versions() -> dict[str, str]:
    """Return the versions and the machine that a run's last bits may depend on."""
    found = {"python": platform.python_version(), "machine": platform.machine()}
    for name in ("valuescape", "numpy", "numba", "gymnasium"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "none"
    return found


def _member(tick: int, name: str) -> str:
    return f"{tick}/{name.replace(' ', '-')}.npy"
