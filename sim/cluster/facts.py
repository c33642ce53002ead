"""Facts about a machine that decide whether it computes what another computes."""

import hashlib
import importlib.metadata
import os
import platform
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from valuescape.sim.resources import one_blas_thread, processor, usable_cores
from valuescape.sim.rng import Stream, normal

_SHOWN = 12
"""Digits of a hash that messages show."""


@dataclass(frozen=True, slots=True)
class Facts:
    """A machine with an installed valuescape.

    version, sources: of valuescape, the second a hash of its Python files. arithmetic: a hash of results that
    depend on the processor's instructions. cores: those that may be used.
    """

    name: str
    python: str
    ray: str
    version: str
    sources: str
    arithmetic: str
    processor: str
    cores: int


def facts_here() -> Facts:
    """Return the facts about this machine, in 0.1 s the first time."""
    return Facts(
        name=platform.node(),
        python=platform.python_version(),
        ray=_version("ray"),
        version=_version("valuescape"),
        sources=sources_hash(),
        arithmetic=arithmetic_hash(),
        processor=processor(),
        cores=usable_cores(),
    )


@cache
def sources_hash() -> str:
    """Return a hash of all Python files of the package valuescape, by name and content."""
    root = Path(__file__).resolve().parents[2]
    folder = root if root.name == "valuescape" else root / "valuescape"
    found = hashlib.sha256()
    for path in sorted(_python_files(folder), key=lambda path: path.relative_to(folder).parts):
        found.update(f"{path.relative_to(folder).as_posix()}\0".encode())
        found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()[:_SHOWN]


def _python_files(folder: Path) -> list[Path]:
    """Return the Python files below a folder; links to folders are followed, as a wheel has them."""
    return [
        Path(at, name)
        for at, _, names in os.walk(folder, followlinks=True)
        for name in names
        if name.endswith(".py")
    ]


@cache
def arithmetic_hash() -> str:
    """Return a hash of products and functions that BLAS and NumPy round by the processor's instructions.

    Machines with the same hash agree in these; that they agree in everything is likely, not certain.
    """
    agents = np.arange(256, dtype=np.uint64)
    drawn = normal(0, Stream.SAMPLING, agents, 0, 0, 256)
    with one_blas_thread(), np.errstate(all="ignore"):
        product = drawn @ drawn[:, :32]
        parts = [product, *(each(drawn) for each in (np.exp, np.tanh, np.log, np.sin, np.expm1))]
    found = hashlib.sha256()
    for part in parts:
        found.update(np.ascontiguousarray(part).tobytes())
    return found.hexdigest()[:_SHOWN]


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "none"
