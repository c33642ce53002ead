"""Sweeps: what `valuescape scale` measures, read from a TOML file."""

import difflib
import itertools
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from valuescape.parsing import first_complaint
from valuescape.sim.config.files import Config
from valuescape.sim.config.toml_reader import read_toml
from valuescape.sim.errors import UsageError
from valuescape.studies.scale import ScalePlan

MAX_CELLS = 1_000

_Counts = Annotated[list[Annotated[int, Field(ge=0, le=256)]], Field(min_length=1, max_length=32)]
_Crowds = Annotated[list[Annotated[int, Field(ge=1, le=4_000_000)]], Field(min_length=1, max_length=32)]
_Values = Annotated[list[bool | int | float | str], Field(min_length=1, max_length=32)]
_Setting = Annotated[str, Field(pattern=r"^[a-z_]+\.[a-z_0-9]+$", max_length=80)]

EXAMPLE = """workers = [0, 1, 2]
agents = [1000, 10000]
seconds = 1.0
frames = 60
repeats = 5

[settings]
"world.name" = ["pendulum", "cartpole"]
"features.simd" = [true, false]
"""
"""A file with every key."""


class Sweep(BaseModel):
    """The keys of a sweep's file; missing ones have the defaults of `valuescape scale`."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    workers: _Counts | None = None
    nodes: _Counts | None = None
    agents: _Crowds | None = None
    seconds: float | None = Field(None, ge=0.05, le=3600)
    frames: int | None = Field(None, ge=0, le=100_000)
    repeats: int | None = Field(None, ge=1, le=1_000)
    settings: dict[_Setting, _Values] = Field(default_factory=dict, max_length=16)

    @field_validator("settings")
    @classmethod
    def _known(cls, settings: dict[str, Any]) -> dict[str, Any]:
        for name in settings:
            require_setting(name)
        return settings

    def plan_keys(self) -> dict[str, Any]:
        """Return keys of a ScalePlan, with every combination of the settings' values."""
        said = self.model_dump(exclude_none=True, exclude={"settings"})
        keys = {name: tuple(value) if isinstance(value, list) else value for name, value in said.items()}
        every = itertools.product(*self.settings.values())
        return keys | {"settings": tuple(dict(zip(self.settings, each, strict=True)) for each in every)}


def read_sweep(path: Path) -> dict[str, Any]:
    """Return the keys of a ScalePlan that a file gives.

    Raises UsageError that names the file, the key, its value and what was expected.
    """
    try:
        return Sweep.model_validate(read_toml(path)).plan_keys()
    except ValidationError as error:
        raise UsageError(f"{path}: {first_complaint(error)}", _HINT) from None


def require_setting(name: str) -> None:
    """Raise ValueError if a setting `section.key` is unknown, or is not a sweep's to change."""
    section, _, key = name.partition(".")
    known = Config.model_fields.get(section)
    keys = known.annotation.model_fields if known else Config.model_fields  # type: ignore[union-attr]
    if (key if known else section) not in keys:
        near = difflib.get_close_matches(key if known else section, keys, n=1)
        raise ValueError(f"{name} is unknown" + (f"; did you mean {near[0]}?" if near else ""))
    if name in ("workers.count", "workers.nodes", "workers.cluster", "agents.count", "sim.ticks_per_s"):
        raise ValueError(f"{name} is what a sweep measures, or sets itself; leave it out")


def require_size(plan: ScalePlan) -> None:
    """Raise UsageError if a plan has more than MAX_CELLS cells."""
    cells = len(plan.cells())
    if cells > MAX_CELLS:
        raise UsageError(
            f"the sweep has {cells:,} cells, expected at most {MAX_CELLS:,}", "name fewer values"
        )


_HINT = 'keys: workers, nodes, agents, seconds, frames, repeats, [settings] with "section.key" = [values]'
