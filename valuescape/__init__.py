"""Valuescape: what a reinforcement-learning critic believes, and what a crowd of agents does about it.

As a library it offers these names; docs/python.md is a guide, docs/api.md lists them all:

- `load` returns a `Model`: policy and critic as functions of arrays;
- `value_map`, `truth_map`, `signal_map` return a `Map`: belief, truth and more over a plane of states;
- `rollouts` runs episodes; `analyze` says where a critic is wrong; `plot` draws maps;
- `Session` runs a crowd of agents that is stepped, read and drawn;
- `show` returns a `View`: a live view on a page of a notebook;
- `publish` and `ValuescapeCallback` let a training run be watched, which `Subscription` reads;
- `make_vec` returns a crowd as a vector environment.

Nothing prints (but `publish`, which says on the standard error how to attach), ends the process or handles
signals. What does not fit is a `UsageError`, with what to do in its text; failures of workers and plug-ins
have the base `ValuescapeError`, too. Importing this package is quick; what a name needs is imported when it
is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from valuescape.envs.vector_env import CrowdVectorEnv
    from valuescape.library.analysis import Analysis, Comparison, analyze
    from valuescape.library.grid import Map
    from valuescape.library.loading import load
    from valuescape.library.maps import truth_map, value_map
    from valuescape.library.model import Model
    from valuescape.library.plotting import plot
    from valuescape.library.rollouts import Rollouts, rollouts
    from valuescape.library.session import Session, State, Trails
    from valuescape.library.signals import signal_map, signal_names
    from valuescape.notebook.showing import show
    from valuescape.notebook.view import View
    from valuescape.publishing.publisher import Publisher, publish
    from valuescape.publishing.stable_baselines import ValuescapeCallback
    from valuescape.publishing.subscription import Subscription
    from valuescape.sim.config.model import Config
    from valuescape.sim.errors import UsageError, ValuescapeError
    from valuescape.sim.policy.network import Checkpoint

__all__ = [
    "Analysis",
    "Checkpoint",
    "Comparison",
    "Config",
    "Map",
    "Model",
    "Publisher",
    "Rollouts",
    "Session",
    "State",
    "Subscription",
    "Trails",
    "UsageError",
    "ValuescapeCallback",
    "ValuescapeError",
    "View",
    "__version__",
    "analyze",
    "load",
    "load_plugin",
    "load_world_file",
    "make_vec",
    "plot",
    "publish",
    "rollouts",
    "show",
    "signal_map",
    "signal_names",
    "truth_map",
    "value_map",
]

__version__ = "0.1.0"

_MODULES = {
    "Analysis": "valuescape.library.analysis",
    "Checkpoint": "valuescape.sim.policy.network",
    "Comparison": "valuescape.library.analysis",
    "Config": "valuescape.sim.config.model",
    "Map": "valuescape.library.grid",
    "Model": "valuescape.library.model",
    "Publisher": "valuescape.publishing.publisher",
    "Rollouts": "valuescape.library.rollouts",
    "Session": "valuescape.library.session",
    "State": "valuescape.library.session",
    "Subscription": "valuescape.publishing.subscription",
    "Trails": "valuescape.library.session",
    "UsageError": "valuescape.sim.errors",
    "ValuescapeCallback": "valuescape.publishing.stable_baselines",
    "ValuescapeError": "valuescape.sim.errors",
    "View": "valuescape.notebook.view",
    "analyze": "valuescape.library.analysis",
    "load": "valuescape.library.loading",
    "plot": "valuescape.library.plotting",
    "publish": "valuescape.publishing.publisher",
    "rollouts": "valuescape.library.rollouts",
    "show": "valuescape.notebook.showing",
    "signal_map": "valuescape.library.signals",
    "signal_names": "valuescape.library.signals",
    "truth_map": "valuescape.library.maps",
    "value_map": "valuescape.library.maps",
}
"""The module of each name that is imported when it is first used."""

if not TYPE_CHECKING:  # else type checkers would take any name for one of these

    def __getattr__(name: str) -> Any:
        """Import and return a name of `_MODULES`."""
        if name not in _MODULES:
            raise AttributeError(f"module 'valuescape' has no attribute {name!r}")
        found = globals()[name] = getattr(import_module(_MODULES[name]), name)
        return found

    def __dir__() -> list[str]:
        """Return the public names, and those that were imported."""
        return sorted({*__all__, *globals()})


def make_vec(
    id: str,  # noqa: A002 (Gymnasium's name for it)
    num_envs: int,
    num_workers: int,
    seed: int = 0,
    *,
    autoreset_mode: Any = "NextStep",
    copy: bool = True,
    render_mode: str | None = None,
) -> "CrowdVectorEnv":
    """Return `num_envs` environments as one `gymnasium.vector.VectorEnv`, stepped by worker processes.

    id: a world's name, as "mountain_car_continuous", or Gymnasium's id of it, as "MountainCarContinuous-v0".
    num_workers: processes that step; 0 steps in this one. seed: what a `reset` without a seed goes by; the
    same for any number of workers. autoreset_mode: `gymnasium.vector.AutoresetMode` or its value. copy: as
    `CrowdVectorEnv` says. render_mode: "rgb_array" lets `render` return a picture of the crowd.

    Worker processes do not import the script, so it needs no `if __name__ == "__main__":`. Raises UsageError
    for an unknown id, numbers that do not fit, or without Gymnasium, which is an optional extra.
    """
    from valuescape.sim.errors import UsageError

    try:
        from valuescape.envs.vector_env import CrowdVectorEnv
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != "gymnasium":
            raise
        raise UsageError(
            "valuescape.make_vec needs gymnasium, which is not installed",
            "pip install 'valuescape[train]' (in a clone: pip install -e '.[train]')",
        ) from error
    options = {"autoreset_mode": autoreset_mode, "copy": copy, "render_mode": render_mode}
    return CrowdVectorEnv(id, num_envs, num_workers, seed, **options)


def load_plugin(path: "Path | str") -> None:
    """Run the Python file at `path`, and make the plug-ins and worlds that it declares known.

    Worker processes that are started later run it too, if it has something for them. Raises UsageError if it
    fails or declares nothing, or if a name is taken.
    """
    from valuescape.sim.plugins.loading import load_file
    from valuescape.sim.worlds import files  # noqa: F401 (finds worlds in it)

    load_file(path)


def load_world_file(path: "Path | str") -> None:
    """Run the Python file at `path`, and make the worlds that it defines known by their names.

    Worker processes that are started later run it too. Raises UsageError if it fails, or if a class in it
    is no complete world.
    """
    from valuescape.sim.worlds import load_world_file as load

    load(path)
