"""All fuzzers, and their full numbers of cases."""

from pathlib import Path

import checkpoint_files
import foreign_files
import picture_files
import recording_files
import report_files
import toml_files
from fuzzing import Subject

CASES = {
    "toml": 8_000,
    "set": 8_000,
    "safetensors": 8_000,
    "sb3": 2_000,
    "vecnormalize": 4_000,
    "foreign": 10_000,
    "recordings": 4_000,
    "pictures": 4_000,
    "reports": 6_000,
}


def subjects(folder: Path) -> dict[str, Subject]:
    """Return all fuzzers by name; their inputs are written to `folder`."""
    modules = toml_files, checkpoint_files, foreign_files, recording_files, picture_files, report_files
    return {each.name: each for module in modules for each in module.subjects(folder)}
