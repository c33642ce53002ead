"""Writes the fixtures of a library's checkpoints: the library's own actions and values, and how they came.

Imported by each `make.py`, which runs in the library's environment; NumPy is all it needs.
"""

import json
from pathlib import Path

import numpy as np


def write_expected(checkpoint: Path, *, obs, action, value, **said) -> None:
    """Write NAME.expected.npz and NAME.json beside a checkpoint file.

    obs [n, obs_dim]; action [n, action_dim] deterministic, clipped, in the world's units, or indices [n];
    value [n], all from the library's own code. said: library, version, world, given.
    """
    arrays = {name: np.asarray(each, np.float32) for name, each in (("obs", obs), ("value", value))}
    arrays["action"] = np.asarray(action, np.int64 if np.ndim(action) == 1 else np.float32)
    stem = checkpoint.with_suffix("")
    np.savez_compressed(f"{stem}.expected.npz", **arrays)
    about = {"file": checkpoint.name, **said}
    Path(f"{stem}.json").write_text(json.dumps(about, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
