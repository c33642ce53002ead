"""The cores that each of two engines may use."""

from valuescape.presets import checkpoint_of
from valuescape.sim.config.files import Config, changed
from valuescape.sim.crew.worker_count import worker_count
from valuescape.sim.resources import usable_cores


def divided(config: Config) -> Config:
    """Return the configuration with half of the worker processes that `auto` would start for it alone.

    One at least, where it would start any: then two workers share a core of a machine with two. A number
    that the configuration names stays.

    Performance: measures a tick, as starting a run does, which then does not.
    """
    if config.workers.count != "auto":
        return config
    alone = worker_count(config, checkpoint_of(config))
    return changed(config, {"workers.count": min(alone, max(1, (usable_cores() - 1) // 2))})
