"""The trainer's side: `publish` begins a training run's publication, and `Publisher.update` renews it."""

import os
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypedDict, Unpack

from valuescape.keywords import (
    GAMMA,
    Reader,
    activation,
    algorithm,
    critic_actions,
    read_stated,
    require_known,
    word,
)
from valuescape.publishing.chains import NetworksError
from valuescape.publishing.history import free_folder
from valuescape.publishing.layout import Statement
from valuescape.publishing.meaning import Stated
from valuescape.publishing.moving import Moving, number_of, numbers_of, reward_normalization
from valuescape.publishing.outlet import Outlet
from valuescape.publishing.place import checked_name
from valuescape.publishing.plan import Arrays, Moved, Plan, Reading, write_array
from valuescape.publishing.recipe import Recipe
from valuescape.publishing.segment import TakenError
from valuescape.publishing.subscription import published
from valuescape.publishing.voice import Voice
from valuescape.publishing.worlds import settings_of, world_of
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats.native import tensors_of
from valuescape.sim.policy.network import ActorHead, Checkpoint
from valuescape.sim.worlds import World
from valuescape.sim.worlds.own_environments import is_code


class PublishOptions(TypedDict, total=False):
    """What `publish` can be told about networks, where they do not say it themselves."""

    algorithm: str
    """"ppo", "sac", "td3", "dqn", …; if left out, what networks of such inputs and outputs belong to."""
    gamma: float
    """The discount of a step; 0.99 if left out."""
    activation: str
    """Between the layers of networks that come as arrays: "tanh", "relu", …"""
    head: str
    """"squashed" if tanh follows the actor's outputs elsewhere, "clipped" if its outputs are actions."""
    critic_actions: str
    """The units of the actions that critics take: "scaled" to [-1, 1], or "world"."""


def publish(
    name: str,
    *,
    world: Any,
    history: Path | str | None = "auto",
    quiet: bool = False,
    **stated: Unpack[PublishOptions],
) -> "Publisher":
    """Publish a training run under a name that `valuescape attach NAME` takes; returns its publisher.

    world: a world's name, an id of Gymnasium's ("Pendulum-v1"), or the environment itself, also a vector of
    environments; viewers make it with the same arguments and time limit. history: the folder in which updates
    are kept as checkpoints; "auto" is `runs/NAME` (or `runs/NAME-2` …, if that has files), None keeps none.
    quiet: do not say on the standard error how to attach.

    stated: see `PublishOptions`.

    Raises UsageError if a training run of that name is being published, if the world is not known, or if the
    place of shared memory is another user's, or full.
    """
    require_known(stated, PublishOptions, "publish")
    known = Stated(**read_stated(stated, _READERS, "publish: "))
    folder = free_folder(name) if history == "auto" else history
    run = Publisher(name, world_of(world), None if folder is None else Path(folder).absolute(), known)
    if not quiet:
        named = f" --world {run.world.name}" if is_code(run.world.name) else ""  # code runs only if named
        sys.stderr.write(f"valuescape: watch this training run with: valuescape attach {run.name}{named}\n")
    return run


class Publisher:
    """A training run that viewers can attach to; made by `publish`.

    It ends with `close`, as a context manager, or with Python. In a forked child it does nothing. Not for use
    by two threads at once.
    """

    def __init__(self, name: str, world: World, history: Path | None, stated: Stated | None = None) -> None:
        """Raises UsageError as `publish` does."""
        self.name = checked_name(name)
        self.world = world
        self.history = history
        """The folder of the run's history, which is made with the first update; None if none is kept."""
        self.stated = stated or Stated()
        try:
            self._outlet = Outlet(self._statement(), Voice(self.name), settings_of(world))
        except TakenError as taken:
            raise _described(taken, self.name) from None
        self.recipe: Recipe | None = None

    @property
    def sent(self) -> int:
        """How many updates were published, without those that came too soon after another."""
        return self._outlet.sent

    def update(
        self,
        actor: Any,
        critic: Any,
        step: int,
        *,
        obs_normalization: Any = None,
        reward_scale: Any = None,
        log_std: Any = None,
        alpha: Any = None,
        **numbers: float,
    ) -> None:
        """Publish the networks of now, as they are after `step` steps of training.

        actor, critic: a torch module; a state_dict, or a list of (weight [outputs, inputs], bias), for which
        `publish` needs `activation`; several critics as a list of those. None for one of them where a network
        of Q of each action is learned alone. obs_normalization: (mean, std) or (mean, std, clip), arrays
        [obs_dim]; VecNormalize; or an environment in Gymnasium's NormalizeObservation, with (env, clip) if
        its result is clipped. reward_scale: what rewards are multiplied by; VecNormalize; or NormalizeReward.
        log_std: of a Gaussian policy's actions, [action_dim]. alpha: the entropy's coefficient. Each of these
        four comes with every update or with none. numbers: to be shown beside the networks, as mean_return.

        The first update looks at what the modules compute, and takes some 20 ms. It raises UsageError if that
        cannot be read. No later one raises: what goes wrong is logged once, and training goes on. An update
        that comes too soon after another (so that all take 1/400 of the time at most, and none comes within
        10 ms) is not sent, but for the last of all.

        Performance: 0.1 ms with a 64-64 actor and two critics, 0.4 ms when the processor's caches have been
        used otherwise meanwhile, 1 us if it is not sent (`make bench-publishing`). It waits for nothing but
        a device that tensors are on.
        """
        moving = Moving(obs_normalization, reward_scale, log_std, alpha)
        self._outlet.update(_GivenNetworks(self, actor, critic, moving, numbers), step)

    def update_from(self, checkpoint: Checkpoint, step: int, **numbers: float) -> None:
        """Publish a checkpoint, as a loader of any format returns it; otherwise as `update`."""
        self._outlet.update(_GivenCheckpoint(self.name, checkpoint, numbers), step)

    def update_by(self, reading: Reading, step: int) -> None:
        """Publish what `reading` reads, at the time it is sent; otherwise as `update`."""
        self._outlet.update(reading, step)

    def close(self) -> None:
        """End the publication: viewers are told, and nothing stays in memory. Twice is harmless."""
        self._outlet.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _statement(self) -> Statement:
        folder = "" if self.history is None else str(self.history)
        return Statement(self.name, self.world.name, folder, os.getpid(), socket.gethostname(), time.time())


@dataclass(slots=True)
class _GivenNetworks:
    """What `Publisher.update` was given."""

    run: Publisher
    actor: Any
    critic: Any
    moving: Moving
    numbers: dict[str, Any]

    def plan(self) -> Plan:
        try:
            self.run.recipe = Recipe(self.actor, self.critic, self.moving, self.run.world, self.run.stated)
        except NetworksError as error:
            raise error.told_by("update", "publish") from error.__cause__
        return Plan(self.run.recipe.checkpoint, self.run.name)

    def moved(self) -> Moved:
        alpha = self.moving.alpha
        return Moved(
            reward_normalization(self.moving.reward_scale, self.run.stated.gamma),
            None if alpha is None else number_of(alpha),
            numbers_of(self.numbers),
        )

    def fill(self, arrays: Arrays) -> None:
        if self.run.recipe is None:
            raise UsageError("a run that began with checkpoints goes on with checkpoints")
        self.run.recipe.write(self.actor, self.critic, self.moving, arrays)


@dataclass(slots=True)
class _GivenCheckpoint:
    """What `Publisher.update_from` was given."""

    name: str
    checkpoint: Checkpoint
    numbers: dict[str, Any]

    def plan(self) -> Plan:
        return Plan(self.checkpoint, self.name)

    def moved(self) -> Moved:
        given = self.checkpoint
        return Moved(given.reward_normalization, given.entropy_coefficient, numbers_of(self.numbers))

    def fill(self, arrays: Arrays) -> None:
        for name, tensor in tensors_of(self.checkpoint, Path(self.name)).items():
            write_array(arrays, name, tensor)


def _described(taken: TakenError, name: str) -> TakenError:
    """Return the error for a name that is taken, which says by what."""
    other = next((each for each in published() if each.name == name), None)
    if other is None:
        return taken
    if other.pid == os.getpid() and other.host == socket.gethostname():
        return TakenError(
            f"{name}: a training run of that name is being published by this process",
            "end it with its close(), or name this one otherwise",
        )
    since = time.strftime("%H:%M", time.localtime(other.started_s))
    return TakenError(
        f"{name}: a training run of that name is being published by process {other.pid}, since {since}",
        "name this one otherwise, or end the other; valuescape attach --list shows all",
    )


_READERS: dict[str, Reader] = {
    "algorithm": algorithm,
    "gamma": GAMMA,
    "activation": activation,
    "head": word(ActorHead),
    "critic_actions": critic_actions,
}
