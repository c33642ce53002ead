"""Parts of a provenance that every kind of file has: configuration, checkpoints, versions."""

from valuescape.environment import versions
from valuescape.provenance.contents import Made, Provenance
from valuescape.recordings.checksum import checkpoint_hash
from valuescape.recordings.contents import RecordedCheckpoint
from valuescape.recordings.plugins import recorded_plugins
from valuescape.sim.config.files import Config
from valuescape.sim.policy.network import Checkpoint

_VERSIONS = ("python", "valuescape", "numpy", "numba", "moderngl", "matplotlib", "pillow", "av", "torch")


def provenance(
    made: Made,
    config: Config,
    checkpoint: Checkpoint | None,
    other: Checkpoint | None = None,
    driver: str = "",
) -> Provenance:
    """Return the provenance of a file that is made now. other: of `insight.compare_with`."""
    return Provenance(
        made=made,
        checkpoint=recorded(config.policy.checkpoint, checkpoint),
        other=recorded(config.insight.compare_with, other),
        versions=picture_versions(),
        driver=driver,
        plugins=recorded_plugins(),
        config=config,
    )


def picture_versions() -> dict[str, str]:
    """Return the versions that the pixels of a picture may depend on."""
    found = versions()
    return {name: found[name] for name in _VERSIONS if name in found}


def recorded(name: str, checkpoint: Checkpoint | None) -> RecordedCheckpoint | None:
    """Return a checkpoint as metadata name it; None without one."""
    if checkpoint is None:
        return None
    return RecordedCheckpoint(name=name, sha256=checkpoint_hash(checkpoint))
