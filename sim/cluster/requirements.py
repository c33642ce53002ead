"""The worlds and settings that a run on a cluster can have."""

import platform

from valuescape.sim.cluster.reaching import require_address
from valuescape.sim.config.files import Config, changed
from valuescape.sim.errors import UsageError
from valuescape.sim.resources import processor
from valuescape.sim.stepping.choose import uses_bfloat16
from valuescape.sim.worlds import World
from valuescape.sim.worlds.gymnasium_world import is_one_environment
from valuescape.sim.worlds.interacting import InteractingWorld

_HERE = "run it on this machine: leave workers.cluster empty"


def require_cluster(config: Config, world: World) -> None:
    """Raise UsageError if `workers.cluster` names a cluster that there cannot be, or not for this world."""
    if config.workers.cluster:
        require_address(config.workers.cluster)
        require_divisible(config, world)


def without_cluster(config: Config) -> Config:
    """Return a configuration of the same run or analysis on this machine."""
    return config.model_copy(
        update={"workers": config.workers.model_copy(update={"cluster": "", "nodes": 0})}
    )


def require_divisible(config: Config, world: World) -> None:
    """Raise UsageError, with the world's name, if its agents cannot be divided among nodes."""
    if isinstance(world, InteractingWorld):
        said = f"world.name = {world.name!r}: its agents see each other, which nodes of a cluster do not do"
        raise UsageError(said, _HERE)
    if is_one_environment(world):
        said = f"world.name = {world.name!r}: a vectorised environment cannot be brought to a state on a node"
        raise UsageError(said, "leave world.vector off")
    if config.features.parallel_agents is False:
        raise UsageError("features.parallel_agents is off, and a cluster steps agents in parallel", _HERE)


def settled(config: Config) -> Config:
    """Return the configuration for all nodes: products are of bfloat16 on each of them, or on none.

    This machine decides: without such products here, nodes make none either.
    """
    if config.policy.precision == "bfloat16" and not uses_bfloat16(config):
        return changed(config, {"policy.precision": "float32"})
    return config


def require_products(config: Config) -> None:
    """Raise UsageError if this node cannot make the products of a configuration that is `settled`.

    Its agents would go on with others, and the run's state would depend on who steps whom.
    """
    if config.policy.precision == "bfloat16" and not uses_bfloat16(config):
        raise UsageError(
            f"policy.precision = 'bfloat16', but the processor of node {platform.node()} ({processor()}) "
            "multiplies no bfloat16",
            "set policy.precision = 'float32', or run on nodes that are alike",
        )
