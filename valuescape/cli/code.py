"""The code of users' own that the options of a command name, and the world that they choose of it."""

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from valuescape.cli.bundles import bundled
from valuescape.cli.options import EnvArguments, EnvFiles, EpisodeLimit, Plugins, World, WorldFiles
from valuescape.sim.errors import UsageError


@dataclass(frozen=True, slots=True)
class Code:
    """The options of a command that name code, or the world to take.

    world_files, plugins, env_files: of --world-file, --plugin and --env-file. world: of --world, "" without.
    arguments: of --env-kwargs, NAME=VALUE each. limit: of --max-episode-steps.
    """

    world_files: Sequence[Path] = ()
    plugins: Sequence[Path] = ()
    env_files: Sequence[Path] = ()
    world: str = ""
    arguments: Sequence[str] = ()
    limit: int | None = None

    @property
    def files(self) -> list[Path]:
        """All files that are named."""
        return [*self.world_files, *self.plugins, *self.env_files]

    @property
    def command(self) -> str:
        """The options but for --world, as the command line has them, with a space before each."""
        named: dict[str, Sequence[Path | str]] = {
            "--world-file": self.world_files,
            "--plugin": self.plugins,
            "--env-file": self.env_files,
            "--env-kwargs": self.arguments,
        }
        said = [f" {option} {shlex.quote(str(each))}" for option, given in named.items() for each in given]
        return "".join(said) + (f" --max-episode-steps {self.limit}" if self.limit else "")

    def load(self, overrides: Sequence[str] = ()) -> list[str]:
        """Run the code, and return the changes to a configuration that the options come to.

        overrides: of --set, which may choose the world, too. What was loaded before is not run again. Raises
        UsageError if code fails or is missing, or if several worlds are there to choose from.
        """
        from valuescape.sim.plugins.loading import load_file
        from valuescape.sim.worlds import load_env_file, load_world_file

        for path in self.world_files:
            load_world_file(path)
        for path in self.plugins:
            load_file(path)
        found = [name for path in self.env_files for name in load_env_file(path)]
        chosen = self._chosen(found)
        if not chosen and not _chooses_world(overrides):
            chosen = self._only(found)
        changes = [f"world.name={json.dumps(chosen, ensure_ascii=False)}"] if chosen else []
        changes += [_argument(each) for each in self.arguments]
        return [*changes, *([f"world.max_episode_steps={self.limit}"] if self.limit else [])]

    def _chosen(self, found: Sequence[str]) -> str:
        """Return the name of the world that --world means; "" without one. Raises UsageError."""
        from valuescape.sim.worlds import load_named
        from valuescape.sim.worlds.gym_making import GYMNASIUM
        from valuescape.sim.worlds.own_environments import is_code, load_from_file
        from valuescape.sim.worlds.registry import world_names

        name = self.world
        for each in (name, f"{GYMNASIUM}{name}"):
            if each in found:
                return each
        if is_code(name):
            return load_named(name)
        if name and self.env_files and not name.startswith(GYMNASIUM) and name not in world_names():
            return load_from_file(self.env_files[-1], name)
        return name

    def _only(self, found: Sequence[str]) -> str:
        if len(found) <= 1:
            return found[0] if found else ""
        raise UsageError(
            f"--env-file {self.env_files[-1]}: has {len(found)} environments: {', '.join(found)}",
            f"choose one: --world {found[0]}",
        )


NO_CODE = Code()
"""For commands whose options name no code."""


def code_of(
    world: World = None,
    env_files: EnvFiles = None,
    env_kwargs: EnvArguments = None,
    max_episode_steps: EpisodeLimit = None,
    world_files: WorldFiles = None,
    plugins: Plugins = None,
) -> Code:
    """Return the options that typer read, of which those left out are None."""
    files = tuple(world_files or ()), tuple(plugins or ()), tuple(env_files or ())
    return Code(*files, world or "", tuple(env_kwargs or ()), max_episode_steps)


takes_code = bundled(code=code_of)
"""Gives a command the options of `code_of` in the place of its parameter `code`."""


def _chooses_world(overrides: Sequence[str]) -> bool:
    return any(each.partition("=")[0].strip() == "world.name" for each in overrides)


def _argument(said: str) -> str:
    name, equals, _ = said.partition("=")
    if not equals or not name.strip().isidentifier():
        raise UsageError(
            f"--env-kwargs {said}: expected NAME=VALUE, an argument of the environment's function",
            "for example --env-kwargs size=5 --env-kwargs 'goal=\"far\"'",
        )
    return f"world.env.{said.strip()}"
