"""Checkpoints for a world: from whichever kind of file, by its content."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from sim.errors import UsageError
from sim.policy import store
from sim.policy.checks import check_checkpoint
from sim.policy.network import ActorHead, Checkpoint
from sim.worlds import ContinuousAction, World, make_world

_ZIP = b"PK"
_PICKLE = tuple(bytes([0x80, protocol]) for protocol in range(2, 6))
_CONVERT = "valuescape convert MODEL.zip OUT.safetensors --world WORLD"


def load_checkpoint(path: Path, world: World) -> Checkpoint:
    """Return the checkpoint at `path`, which fits `world`: our format or a Stable-Baselines3 zip.

    Torch is imported for the latter alone. Raises UsageError if there is no such file, if it is of another
    kind (saying how to convert it), if it is damaged or hostile, or if it was made for another world.
    """
    checkpoint = _load(path)
    _check_world(checkpoint, world, path)
    return checkpoint


def convert(source: Path, out: Path, world_name: str, vecnormalize: Path | None = None) -> Checkpoint:
    """Write the checkpoint at `source` to `out` in our format, for the world called `world_name`.

    vecnormalize: the pickle of VecNormalize that belongs to it; the only pickle that is ever read, as data.
    Returns what was written. Raises UsageError as `load_checkpoint` does.
    """
    from sim.policy.vecnormalize import read_vecnormalize

    checkpoint = load_checkpoint(source, make_world(world_name))
    if vecnormalize is not None:
        checkpoint = replace(checkpoint, obs_normalization=read_vecnormalize(vecnormalize))
        check_checkpoint(checkpoint, vecnormalize)
    checkpoint = replace(checkpoint, world=world_name)
    store.save(checkpoint, out)
    return checkpoint


def _load(path: Path) -> Checkpoint:
    start = _first_bytes(path)
    if start.startswith(_ZIP):
        from sim.policy.sb3 import load_sb3

        return load_sb3(path)
    if start.startswith(_PICKLE):
        raise UsageError(
            f"{path}: is a pickle, which could run any code; it was not opened",
            f"save the model with Stable-Baselines3's model.save() and run {_CONVERT}; "
            "VecNormalize's statistics go with it: --vecnormalize FILE.pkl",
        )
    return store.load(path)


def _first_bytes(path: Path) -> bytes:
    if path.is_dir():
        raise UsageError(f"{path}: is a folder, expected a checkpoint file", "name a file in it")
    if not path.exists():
        raise UsageError(
            f"{path}: there is no such file", "check policy.checkpoint; see configs/checkpoints/"
        )
    if not path.is_file():
        raise UsageError(f"{path}: is no regular file", "name a checkpoint file")
    try:
        with path.open("rb") as file:
            return file.read(8)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}", "check its permissions") from error


def _check_world(checkpoint: Checkpoint, world: World, path: Path) -> None:
    if checkpoint.world and checkpoint.world != world.name:
        raise UsageError(
            f"{path}: was trained for world {checkpoint.world}, expected {world.name}",
            f"set world.name to {checkpoint.world}, or name another checkpoint",
        )
    if checkpoint.obs_dim != len(world.obs):
        raise _misfit(path, f"takes {checkpoint.obs_dim} observations", world, f"has {len(world.obs)}")
    if isinstance(world.action, ContinuousAction):
        _check_continuous(checkpoint, world, world.action, path)
    elif checkpoint.actor_head is not ActorHead.ARGMAX:
        raise _misfit(path, "acts continuously", world, f"has {world.action.n} discrete actions")
    elif checkpoint.actor.out_dim != world.action.n:
        raise _misfit(
            path, f"chooses among {checkpoint.actor.out_dim} actions", world, f"has {world.action.n}"
        )


def _check_continuous(checkpoint: Checkpoint, world: World, action: ContinuousAction, path: Path) -> None:
    if checkpoint.actor_head is ActorHead.ARGMAX:
        found = f"chooses among {checkpoint.actor.out_dim} discrete actions"
        raise _misfit(path, found, world, "has continuous ones")
    if checkpoint.actor.out_dim != action.dim:
        raise _misfit(path, f"has {checkpoint.actor.out_dim} actions", world, f"has {action.dim}")
    low, high = checkpoint.action_low, checkpoint.action_high
    if not (np.allclose(low, action.low, rtol=1e-4) and np.allclose(high, action.high, rtol=1e-4)):
        raise _misfit(
            path,
            f"acts within {low.tolist()} to {high.tolist()}",
            world,
            f"takes {action.low.tolist()} to {action.high.tolist()}",
        )


def _misfit(path: Path, found: str, world: World, expected: str) -> UsageError:
    return UsageError(
        f"{path}: {found}, but world {world.name} {expected}", "name a checkpoint trained for this world"
    )
