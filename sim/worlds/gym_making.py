"""Makes environments: those registered with Gymnasium, and users' own that the command line names."""

import contextlib
import difflib
import importlib
import inspect
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from valuescape.sim.errors import UsageError
from valuescape.sim.plugins.declarations import Kind
from valuescape.sim.plugins.registry import PLUGINS
from valuescape.sim.worlds.gym_results import described
from valuescape.sim.worlds.gym_spaces import OLD_GYM

GYMNASIUM = "gymnasium:"
"""The prefix of a Gymnasium environment's id as the name of a world."""

RESERVED = ("max_episode_steps", "disable_env_checker", "num_envs", "vectorization_mode", "vector_kwargs")
"""Arguments that are Gymnasium's own, or stated elsewhere."""

_NEVER = 2**62
"""More steps than any episode has."""


def is_environment(name: str) -> bool:
    """Return whether the world of that name consists of environment objects, stepped in Python."""
    return name.startswith(GYMNASIUM) or PLUGINS.find(Kind.ENVIRONMENT, name) is not None


@dataclass(frozen=True, slots=True)
class Making:
    """How the environments of a world are made, as a configuration states it.

    name: of the world, `gymnasium:ID` or one that the command line named. kwargs: arguments of its function.
    limit: the steps after which episodes are truncated; 0 for its own. vector: whether `gymnasium:ID` is
    stepped by the vectorised version that it is registered with.
    """

    name: str
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    limit: int = 0
    vector: bool = False

    def __post_init__(self) -> None:
        for each in RESERVED:
            if each in self.kwargs:
                instead = (
                    "world.max_episode_steps" if each == RESERVED[0] else "world.vector and agents.count"
                )
                raise UsageError(
                    f"world.env.{each}: is no argument of the environment's own", f"see {instead}"
                )

    @property
    def is_vector(self) -> bool:
        """Whether one object steps many agents."""
        return self.vector or (not self._registered and _makes_vectors(self._function))

    @property
    def has_single(self) -> bool:
        """Whether an environment of one agent can be made."""
        return self._registered or not _makes_vectors(self._function)

    @property
    def _registered(self) -> bool:
        return self.name.startswith(GYMNASIUM)

    @property
    def _function(self) -> Callable[..., Any]:
        """The class or function of the user's own. Raises UsageError if the command line names none."""
        found = PLUGINS.find(Kind.ENVIRONMENT, self.name)
        if found is None:
            raise UsageError(
                f"world.name: {self.name!r} is code of your own, which has to be named on the command line",
                f"add --world {self.name}",
            )
        return found.function

    def env(self, *, time_limit: bool = True) -> Any:
        """Return a new environment. Raises UsageError if there is none of that name, or it cannot be made.

        time_limit: whether episodes are truncated after the steps that it, or `limit`, states.
        """
        gymnasium = self._gymnasium()
        limit: dict[str, int] = {} if time_limit else {"max_episode_steps": -1}
        if time_limit and self.limit:
            limit = {"max_episode_steps": self.limit}
        if self._registered:
            spec = self._spec()
            return self._made(lambda: gymnasium.make(spec, disable_env_checker=True, **limit, **self.kwargs))
        env = self._made(lambda: self._function(**self.kwargs))
        _require_env(env, self.name)
        if not time_limit:
            _lift_limits(env)
        return gymnasium.wrappers.TimeLimit(env, self.limit) if time_limit and self.limit else env

    def vector_env(self, count: int) -> Any:
        """Return a new vectorised environment of `count` agents. Raises UsageError as `env`."""
        gymnasium = self._gymnasium()
        if not self._registered:
            env = self._made(lambda: self._function(num_envs=count, **self.kwargs))
        else:
            spec = self._spec()
            if getattr(gymnasium.spec(spec), "vector_entry_point", None) is None:
                raise UsageError(
                    f"world.vector: {self.name!r} has no vectorised version (vector_entry_point)",
                    "leave it false, or name a function with an argument num_envs: --world module:function",
                )
            limit = {"max_episode_steps": self.limit} if self.limit else {}
            env = self._made(
                lambda: gymnasium.make_vec(spec, count, "vector_entry_point", **limit, **self.kwargs)
            )
        if not isinstance(env, gymnasium.vector.VectorEnv) or env.num_envs != count:
            size = getattr(env, "num_envs", None)
            raise UsageError(
                f"world.name: {self.name!r} made {described(env)}"
                + (f" of {size} environments" if size else ""),
                f"expected a gymnasium.vector.VectorEnv of num_envs={count}",
            )
        return env

    def _gymnasium(self) -> Any:
        try:
            import gymnasium
            import gymnasium.vector
        except ModuleNotFoundError:
            raise UsageError(
                f"world.name: {self.name!r} needs gymnasium, which is not installed",
                "pip install 'valuescape[train]' (in a clone: pip install -e '.[train]')",
            ) from None
        return gymnasium

    def _spec(self) -> str:
        """Return the id in Gymnasium's registry, after importing the module that `module:ID` names."""
        import gymnasium

        env_id = self.name.removeprefix(GYMNASIUM)
        module, colon, registered = env_id.rpartition(":")
        if colon:
            _import(module, env_id)
        if registered not in gymnasium.registry:
            near = difflib.get_close_matches(registered, list(gymnasium.registry), n=3)
            where = "an id as CartPole-v1, module:ID, or --env-file with a file that registers it"
            hint = f"did you mean {' or '.join(near)}?" if near else f"expected {where}"
            raise UsageError(f"world.name: Gymnasium has no environment {env_id!r}", hint)
        return registered

    def _made(self, make: Callable[[], Any]) -> Any:
        try:
            return make()
        except UsageError:
            raise
        except (Exception, SystemExit) as error:
            said = f"world.name: {self.name!r} cannot be made: {told(error)}"
            shown = ", ".join(f"{key}={value!r}" for key, value in self.kwargs.items())
            call = f"gymnasium.make({self.name.removeprefix(GYMNASIUM)!r}{', ' * bool(shown)}{shown})"
            if not self._registered:
                call = f"{self.name.rpartition(':')[2]}({shown})"
            raise UsageError(
                said, f"expected that {call} makes it; --env-kwargs NAME=VALUE gives arguments"
            ) from error


def _makes_vectors(function: Callable[..., Any]) -> bool:
    """Return whether a class or function makes vectorised environments: it takes `num_envs`."""
    try:
        return "num_envs" in inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False


def _require_env(env: Any, name: str) -> None:
    """Raise UsageError unless an object is an environment as Gymnasium's are."""
    modules = {each.__module__.partition(".")[0] for each in type(env).__mro__}
    if "gym" in modules and "gymnasium" not in modules:
        raise UsageError(f"world.name: {name!r} is an environment of the old gym", OLD_GYM)
    import gymnasium

    if isinstance(env, gymnasium.vector.VectorEnv):
        raise UsageError(
            f"world.name: {name!r} made a vectorised environment",
            "its function has to take the number of agents: def make(num_envs, …)",
        )
    if not isinstance(env, gymnasium.Env):
        raise UsageError(
            f"world.name: {name!r} made {described(env)}",
            "expected an object of a class derived from gymnasium.Env",
        )


def stated_limit(env: Any) -> int | None:
    """Return the steps after which an environment truncates episodes, as far as it says; else None."""
    spec = getattr(env, "spec", None) or getattr(env.unwrapped, "spec", None)
    found = getattr(spec, "max_episode_steps", None)
    while not found and env is not env.unwrapped and hasattr(env, "env"):
        found = getattr(env, "_max_episode_steps", None)  # of a TimeLimit of the user's own
        env = env.env
    return found


def _lift_limits(env: Any) -> None:
    """Let an environment's wrappers truncate no episode after a number of steps."""
    from gymnasium.wrappers import TimeLimit

    while hasattr(env, "env"):
        if isinstance(env, TimeLimit):
            env._max_episode_steps = _NEVER  # Gymnasium has no public way
        env = env.env


def _import(module: str, env_id: str) -> None:
    """Import a module or package that registers environments, from where this Python finds modules.

    The current folder is not among those: a configuration can name the module, and one from a stranger must
    not bring its own code.
    """
    try:
        importlib.import_module(module)
    except Exception as error:
        missing = isinstance(error, ModuleNotFoundError) and error.name == module.partition(".")[0]
        hint = "install it, put its folder into PYTHONPATH, or name its file: --env-file" if missing else ""
        raise UsageError(
            f"world.name: '{GYMNASIUM}{env_id}': importing {module}: {told(error)}", hint
        ) from error


def told(error: BaseException) -> str:
    """Describe an error, with the last line of the user's code that it came through, on one line."""
    said = (str(error).splitlines() or [""])[0]
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not any(part in frame.filename for part in _NOT_THE_USERS)
    ]
    where = f"{Path(frames[-1].filename).name} line {frames[-1].lineno}: " if frames else ""
    return f"{where}{type(error).__name__}: {said}"


_NOT_THE_USERS = (
    *("/gymnasium/", "/numpy/", "/stable_baselines3/", "/torch/", "/importlib/", "<frozen"),
    str(Path(__file__).parents[2]),
)
"""Parts of the paths of files that are not the user's."""


def closed(env: Any) -> None:
    """Close an environment; an error of its own `close` would hide the one that counts."""
    with contextlib.suppress(Exception):
        env.close()
