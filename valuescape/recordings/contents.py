"""`recording.json`, the checked description in a recording: what was run, and hashes of some of its ticks."""

from itertools import pairwise
from typing import Annotated, Literal, get_args

from pydantic import ConfigDict, Field, field_validator

from valuescape.parsing import Part, Text, at_most
from valuescape.sim.changes import KEPT_CHANGES
from valuescape.sim.config.files import Config
from valuescape.sim.config.sections import MAX_TEXT

MAX_SAMPLES = 10_000
"""Ticks that a recording keeps beside tick 0, at most."""

MAX_ARRAYS = 64
"""Arrays of a tick, at most."""

MAX_CHANGES = KEPT_CHANGES
"""Changes during a run, at most: a slider that is dragged makes some dozens a second."""

_FORMATS = Literal["valuescape-recording-1", "valuescape-recording-2"]
FORMATS: tuple[str, ...] = get_args(_FORMATS)
"""The formats that are read, oldest first; the first one has no changes. The last one is written."""

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Part(Part):
    model_config = ConfigDict(extra="forbid")


class Format(Part):
    """The part that is read first: a recording of another version may hold anything else."""

    format: str


class RecordedCheckpoint(_Part):
    """The checkpoint that acted: its file, as the configuration names it, and the hash of its tensors."""

    name: str = Field(max_length=MAX_TEXT)
    sha256: Sha256


class RecordedPlugins(_Part):
    """A file or module of plug-ins that took part, as `sim.plugins.used.UsedSource`.

    name: "" of what a script or notebook declared. sha256: of a file, else "".
    """

    option: str = Field(max_length=200)
    name: str = Field(max_length=MAX_TEXT)
    sha256: Sha256 | Literal[""]
    version: Text
    plugins: Annotated[list[Text], at_most(200)]


class RecordedTick(_Part):
    """The hashes of a run at one tick; `rows` says whether the arrays themselves are kept, too.

    changes: those of the recording that had taken effect.
    """

    tick: int = Field(ge=0, lt=2**62)
    state_hash: Sha256
    arrays: Annotated[dict[Text, Sha256], at_most(MAX_ARRAYS)]
    rows: bool
    changes: int = Field(default=0, ge=0, le=MAX_CHANGES)


_Number = bool | int | float | Annotated[str, Field(max_length=MAX_TEXT)]
_Value = _Number | Annotated[dict[Text, _Number], at_most(1000)]


class RecordedChange(_Part):
    """A change of a run: from the tick after `tick` on, these settings (`section.key`) have these values.

    checkpoint: the one that acts from then on, if it is another; None if it is the same.
    """

    tick: int = Field(ge=0, lt=2**62)
    settings: Annotated[dict[Text, _Value], at_most(1000)]
    checkpoint: RecordedCheckpoint | None = None


class About(_Part):
    """All of a recording except its arrays."""

    format: _FORMATS = "valuescape-recording-2"
    world: str = Field(max_length=MAX_TEXT)
    seed: int = Field(ge=0, lt=2**64)
    checkpoint: RecordedCheckpoint | None
    versions: Annotated[dict[Text, Text], at_most(100)]
    plugins: Annotated[list[RecordedPlugins], at_most(100)] = Field(default_factory=list)
    config: Config
    samples: Annotated[list[RecordedTick], Field(min_length=1), at_most(MAX_SAMPLES + 1)]
    changes: Annotated[list[RecordedChange], at_most(MAX_CHANGES)] = Field(default_factory=list)

    @field_validator("samples")
    @classmethod
    def _rise(cls, samples: list[RecordedTick]) -> list[RecordedTick]:
        if any(one.tick >= other.tick for one, other in pairwise(samples)):
            raise ValueError("ticks have to rise")
        return samples

    @field_validator("changes")
    @classmethod
    def _in_order(cls, changes: list[RecordedChange]) -> list[RecordedChange]:
        if any(one.tick > other.tick for one, other in pairwise(changes)):
            raise ValueError("ticks must not fall")
        return changes

    @property
    def last_tick(self) -> int:
        """The last tick that anything is recorded of."""
        return max(self.samples[-1].tick, *(each.tick for each in self.changes[-1:]), 0)
