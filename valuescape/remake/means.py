"""The means to make a picture again: workers, checkpoint, and the permission to run code that it names."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from valuescape.presets import other_checkpoint
from valuescape.provenance.contents import AnalysisMade, Provenance
from valuescape.recordings.checksum import checkpoint_hash
from valuescape.recordings.means import same_checkpoint, with_means
from valuescape.recordings.plugins import require_plugins
from valuescape.sim.cluster.requirements import without_cluster
from valuescape.sim.config.files import Config
from valuescape.sim.errors import UsageError, escaped
from valuescape.sim.interrupts import Interrupts
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.worlds.gym_making import GYMNASIUM


@dataclass(frozen=True, slots=True)
class Means:
    """What a person gives to make a picture again.

    workers, checkpoint: replace those of the picture. runs_code: whether code that the picture names may run.
    on_progress: told the share that is done, 0 to 1, and what is being done.
    """

    workers: int | None = None
    checkpoint: Path | None = None
    runs_code: bool = False
    interrupts: Interrupts = field(default_factory=Interrupts)
    on_progress: Callable[[float, str], None] = lambda share, what: None


@dataclass(frozen=True, slots=True)
class Original:
    """A picture to be made again: its file, how it was made, and the means to do so.

    config, checkpoint: to make it with.
    """

    path: Path
    origin: Provenance
    config: Config
    checkpoint: Checkpoint | None
    means: Means


def original(path: Path, origin: Provenance, means: Means) -> Original:
    """Return a picture with everything that it takes to make it again.

    Raises UsageError if the picture names code and this is not allowed, if a plug-in is missing, if its world
    is not known here, or if a checkpoint is missing or has changed.
    """
    _require_no_code(path, origin.config, means)
    require_plugins(path, "picture", origin.plugins, origin.config)
    config = with_means(
        without_cluster(origin.config), means.workers, means.checkpoint if origin.checkpoint else None
    )
    checkpoint = same_checkpoint(path, "picture", origin.checkpoint, config)
    _require_other(path, origin, config)
    return Original(path, origin, config, checkpoint, means)


def named_files(origin: Provenance, checkpoint: Path | None) -> list[str]:
    """Return the files that a picture names, in printable words, before any of them is read.

    checkpoint: takes the place of the configuration's.
    """
    config, made = origin.config, origin.made
    acting = str(checkpoint or config.policy.checkpoint)
    compared = made.compared[1:] if isinstance(made, AnalysisMade) else []
    names = [
        ("checkpoint", acting if acting not in ("auto", "random") else ""),
        ("checkpoint to compare with", config.insight.compare_with),
        *(("checkpoint to compare with", each.checkpoint.name) for each in compared),
        ("normalisation of observations", config.policy.obs_normalization),
        ("names of tensors", config.policy.names),
        ("TorchScript critic", config.policy.torchscript_critic),
    ]
    return [escaped(f"{what}: {name}") for what, name in names if name]


def _require_no_code(path: Path, config: Config, means: Means) -> None:
    module, colon, _ = config.world.name.removeprefix(GYMNASIUM).rpartition(":")
    code = ""
    if config.world.name.startswith(GYMNASIUM) and colon:
        code = f"the Python module {module}"
    elif config.plugins.modules:
        code = f"the Python module {config.plugins.modules[0]}"
    elif config.policy.torchscript_critic:
        code = f"the TorchScript program {config.policy.torchscript_critic}"
    if code and not means.runs_code:
        raise UsageError(
            f"{path}: to make this picture, {code} has to run", "if you trust it, add the option --run-code"
        )


def _require_other(path: Path, origin: Provenance, config: Config) -> None:
    other = other_checkpoint(config)
    if origin.other and other and checkpoint_hash(other) != origin.other.sha256:
        raise UsageError(
            f"{path}: the checkpoint to compare with, {config.insight.compare_with}, has changed since",
            f"put the file with SHA-256 {origin.other.sha256[:12]}… in its place",
        )
