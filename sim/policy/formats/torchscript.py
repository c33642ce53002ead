"""TorchScript: critics that are no multilayer perceptrons, run only where a setting names the file.

TorchScript is a program. It runs in torch's own interpreter, which has no Python in it, but it is not data:
a file is recognised by its content, but never run because of it.
"""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from valuescape.sim.arrays import Float32Array
from valuescape.sim.errors import UsageError, first_line
from valuescape.sim.policy.formats.contents import Contents
from valuescape.sim.policy.formats.given import Given
from valuescape.sim.policy.formats.registry import Format, Lack, Probe
from valuescape.sim.policy.formats.torch_data import is_program
from valuescape.sim.policy.network import Checkpoint

_NOTHING = Given()

_TRIAL = 7
"""Observations in the trial batch; a number that is no usual dimension."""

Critic = Callable[[Float32Array], Float32Array]


def load_torchscript_critic(path: Path, obs_dim: int) -> Critic:
    """Return the TorchScript critic at `path` as a function from obs [obs_dim, n] to V [n], both float32.

    Runs the program in the file: on the CPU, without gradients. Each call returns a new array. Raises
    UsageError if the file is no TorchScript, or if it does not map [n, obs_dim] to n finite values.
    """
    import torch

    module = _load(path)

    def critic(obs: Float32Array) -> Float32Array:
        with torch.no_grad():
            values = module(torch.from_numpy(np.ascontiguousarray(obs.T)))
        scores: Float32Array = values.to(torch.float32).numpy().reshape(obs.shape[1])
        return scores

    _try(path, critic, obs_dim)
    return critic


def _load(path: Path) -> Any:
    import torch

    if not path.is_file():
        raise UsageError(f"{path}: there is no such file", "check the path")
    try:
        with warnings.catch_warnings():
            # torch 2.9 and later advise torch.export, whose files are not read here
            warnings.simplefilter("ignore", DeprecationWarning)
            return torch.jit.load(path, map_location="cpu").eval()  # type: ignore[no-untyped-call]
    except (RuntimeError, ValueError, OSError) as error:
        raise UsageError(
            f"{path}: is no TorchScript file: {first_line(error)}", "save the critic with torch.jit.save()"
        ) from error


def _try(path: Path, critic: Critic, obs_dim: int) -> None:
    obs = np.random.default_rng(0).standard_normal((obs_dim, _TRIAL), np.float32)
    expected = f"expected [n, {obs_dim}] to give [n] or [n, 1] values"
    try:
        values = critic(obs)
    except (RuntimeError, ValueError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{path}: failed on a batch of {_TRIAL} observations, {expected}: {first_line(error)}",
            "the critic must take the world's observations alone, and return one value for each",
        ) from error
    if not np.isfinite(values).all():
        raise UsageError(f"{path}: gave values that are NaN or infinite", "use another critic")


def recognises(probe: Probe) -> bool:
    """Return whether a zip is what torch.jit.save() writes: it alone keeps constants apart."""
    return is_program(probe.members)


def _contents(path: Path, given: Given = _NOTHING) -> Contents:
    said = (
        "TorchScript is a program that torch runs; it runs only as policy.torchscript_critic, which names it",
    )
    return Contents(format="torchscript", library="TorchScript (torch.jit.save)", remarks=said)


def _refuse(path: Path, given: Given = _NOTHING) -> Checkpoint:
    raise UsageError(
        f"{path}: is TorchScript, a program that is run only where you name it, and has no actor",
        f"set policy.torchscript_critic to {path}, and policy.checkpoint to a model for the actions",
    )


FORMAT = Format(
    name="torchscript",
    container="zip",
    recognises=recognises,
    load=_refuse,
    contents=_contents,
    library="TorchScript",
    lacks=frozenset(Lack),
)
