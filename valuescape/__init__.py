"""Valuescape: what a reinforcement-learning critic believes, and what a crowd of agents does about it."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from valuescape.envs.vector_env import CrowdVectorEnv

__all__ = ["__version__", "load_plugin", "load_world_file", "make_vec"]

__version__ = "0.1.0"


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

    Worker processes are spawned: a script that calls this needs `if __name__ == "__main__":`. Raises
    UsageError for an unknown id, numbers that do not fit, or without Gymnasium, which is an optional extra.
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
