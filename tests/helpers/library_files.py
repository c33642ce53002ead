"""The checkpoint files that other libraries wrote, in tests/sim/policy/libraries, and what they compute."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from valuescape.sim.policy.formats.detect import format_of
from valuescape.sim.policy.formats.given import Given
from valuescape.sim.policy.formats.registry import Format
from valuescape.sim.policy.network import Activation, ActorHead

FOLDER = Path(__file__).parents[1] / "sim" / "policy" / "libraries"


@dataclass(frozen=True)
class Case:
    """One file, or folder, and what its library says of it."""

    about: Path

    @cached_property
    def said(self) -> dict[str, Any]:
        return json.loads(self.about.read_text(encoding="utf-8"))

    @property
    def file(self) -> Path:
        return self.about.parent / self.said["file"]

    @property
    def expected(self) -> dict[str, np.ndarray]:
        with np.load(self.about.with_suffix(".expected.npz")) as arrays:
            return dict(arrays)

    @property
    def given(self) -> Given:
        return self.stated(self.said["given"])

    def stated(self, options: dict[str, Any]) -> Given:
        """Return options as a NAME.json has them; paths are relative to its folder."""
        kinds = {
            "activation": Activation,
            "head": ActorHead,
            "obs_normalization": self.about.parent.__truediv__,
            "names": self.about.parent.__truediv__,
            "action_low": tuple,
            "action_high": tuple,
        }
        return Given(**{key: kinds.get(key, lambda each: each)(each) for key, each in options.items()})

    @cached_property
    def format(self) -> Format:
        return format_of(self.file)


CASES = {f"{about.parent.name}/{about.stem}": Case(about) for about in sorted(FOLDER.glob("*/*.json"))}
"""By the name of the library's folder and of the file."""
