"""Training runs in real processes that publish, for tests of what reads them."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from networks import random_mlp
from processes import wait_until

from valuescape.publishing import place
from valuescape.publishing.segment import remove_if_dead
from valuescape.sim.policy.network import ActorHead, Checkpoint, CriticKind

PREAMBLE = """
import os, signal, sys, time
import numpy as np
from trainers import pendulum_checkpoint
from valuescape.publishing.publisher import publish
"""


def pendulum_checkpoint(seed: int = 0, hidden: int = 16) -> Checkpoint:
    """A random Gaussian policy and critic for the pendulum."""
    return Checkpoint(
        algorithm="ppo",
        world="pendulum",
        obs_dim=3,
        actor=random_mlp((3, hidden, 1), seed=seed),
        actor_head=ActorHead.CLIPPED,
        critics=(random_mlp((3, hidden, hidden, 1), seed=seed + 1),),
        critic_kind=CriticKind.STATE_VALUE,
        action_low=np.array([-2], np.float32),
        action_high=np.array([2], np.float32),
        obs_normalization=None,
        gamma=0.95,
    )


@contextlib.contextmanager
def trainer(script: str, *arguments: str):
    """Run `script` behind PREAMBLE in another process; killed at the end if it still runs."""
    path = [*sys.path, str(Path(__file__).parent)]
    process = subprocess.Popen(
        [sys.executable, "-c", PREAMBLE + script, *arguments],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(each for each in path if each)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for_name(name: str, timeout_s: float = 30.0) -> None:
    """Return as soon as a training run of that name publishes."""
    wait_until(place.path_of(name).exists, timeout_s, f"{name} is published")


def remove_own_segments() -> None:
    """Remove what killed trainers left that have this process in their name, as those of tests have."""
    for path in place.folder().glob(f"*-{os.getpid()}*"):
        remove_if_dead(path)
    place.remove_empty_folder()
