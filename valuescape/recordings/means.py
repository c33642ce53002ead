"""What a recorded run is run again with: a number of workers, and the checkpoint that acted."""

from pathlib import Path

from valuescape.presets import acting_checkpoint
from valuescape.recordings.checksum import checkpoint_hash
from valuescape.recordings.contents import RecordedCheckpoint
from valuescape.sim.config.files import Config
from valuescape.sim.engine import Engine
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.worlds import make_world
from valuescape.sim.worlds.gymnasium_world import is_one_environment
from valuescape.sim.worlds.registry import is_vectorised

_NAME_IT = "name the file that acted then: --checkpoint FILE"


def with_means(config: Config, workers: int | None, checkpoint: Path | None) -> Config:
    """Return a configuration with another number of workers and another checkpoint's file, where given.

    Raises UsageError for another number of workers in a world whose runs depend on it.
    """
    if workers is not None:
        if workers != config.workers.count and is_vectorised(config):
            raise UsageError(
                f"--workers {workers}: this was made by {config.workers.count}, on which it depends: "
                f"{config.world.name} is vectorised, one object steps all agents of a worker",
                "leave --workers out",
            )
        config = _with_workers(config, workers)
    if checkpoint is not None:
        policy = config.policy.model_copy(update={"checkpoint": str(checkpoint), "steps": "last"})
        config = config.model_copy(update={"policy": policy})
    return config


def _with_workers(config: Config, workers: int) -> Config:
    changes = {"workers": config.workers.model_copy(update={"count": workers})}
    features = config.features.model_copy(update={"parallel_agents": True})
    return config.model_copy(update={**changes, "features": features})


def divided(config: Config, engine: Engine) -> Config:
    """Return a configuration that states the number of workers, where what agents do depends on it."""
    return _with_workers(config, engine.workers) if is_one_environment(engine.world) else config


def same_checkpoint(
    path: Path, what: str, recorded: RecordedCheckpoint | None, config: Config
) -> Checkpoint | None:
    """Return the checkpoint of a configuration, which has to be the recorded one; None for random actions.

    path, what: the file that recorded it, and its kind, for complaints. Raises UsageError if the checkpoint
    is missing or has changed.
    """
    world = make_world(config.world.name, config)
    if recorded is None:
        return None
    try:
        found = acting_checkpoint(config, world)
    except UsageError as error:
        said = f"{path}: the checkpoint of this {what} cannot be used: {error.args[0]}"
        raise UsageError(said, _NAME_IT) from error
    now = checkpoint_hash(found) if found else "none"
    if now != recorded.sha256:
        raise UsageError(
            f"{path}: checkpoint {config.policy.checkpoint} has changed since: "
            f"its tensors' SHA-256 is {now[:12]}…, expected {recorded.sha256[:12]}…",
            _NAME_IT,
        )
    return found
