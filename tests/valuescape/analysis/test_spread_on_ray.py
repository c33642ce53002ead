"""Analyses on a real Ray cluster, whose processes and nodes are killed and stopped in earnest."""

import dataclasses
import signal

import numpy as np
import pytest
from ray_clusters import ray_machines

from valuescape.analysis.making import EpisodesAsked, Here, TruthAsked
from valuescape.analysis.spread import opening
from valuescape.analysis.spread.opening import makers_for
from valuescape.presets import find_checkpoint
from valuescape.sim.config.files import Config, changed
from valuescape.sim.errors import UsageError
from valuescape.sim.insight.plane import map_plane
from valuescape.sim.rollouts.judging import judging_rules
from valuescape.sim.worlds import make_world

pytestmark = pytest.mark.ray

CHECKPOINT = "configs/checkpoints/pendulum.safetensors"


@pytest.fixture(scope="module")
def machines():
    """Return the cluster of all tests here."""
    with ray_machines(2) as made:
        yield made


def config_of(machines, **changes):
    return changed(
        Config(),
        {
            "world.name": "pendulum",
            "workers.cluster": machines.address,
            "workers.heartbeat_timeout": 4.0,
            "features.simd": False,  # nothing is compiled
            **changes,
        },
    )


@pytest.fixture(scope="module")
def asked():
    """Return what is asked for: episodes and rollouts of a policy that draws its actions."""
    world = make_world("pendulum")
    checkpoint = dataclasses.replace(find_checkpoint(CHECKPOINT, world), gamma=0.9)
    rules = judging_rules(checkpoint, world, time_limit=False, seed=3, alpha=None)
    plane = map_plane(Config(), world)
    return EpisodesAsked(checkpoint, world, 96, 3, 0.0), TruthAsked(checkpoint, plane, 64, rules, 5, False)


@pytest.fixture(scope="module")
def local(asked):
    """Return the same, made in this process."""
    here = Here(2)
    return here.episodes(asked[0], lambda *_: True), here.truth(asked[1], lambda _: True)


def require_same(found, expected):
    for one, other in zip(found, expected, strict=True):
        for each in dataclasses.fields(one):
            a, b = (np.asarray(getattr(of, each.name)) for of in (one, other))
            assert (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes()), each.name


def made(made_by, asked, on_share=lambda _: None):
    """Return episodes and truth. on_share: called as the truth goes on."""

    def look(share):
        on_share(share)
        return True

    return made_by.episodes(asked[0], lambda *_: True), made_by.truth(asked[1], look)


def test_two_nodes_make_what_one_process_makes(machines, asked, local):
    with makers_for(config_of(machines)) as made_by:
        require_same(made(made_by, asked), local)


def test_more_processes_than_processors_are_refused(machines):
    config = config_of(machines, **{"workers.count": 9})
    with pytest.raises(UsageError, match=r"2 CPUs on 3 nodes: workers\.count = 9"), makers_for(config):
        pass


def test_a_head_that_is_gone_is_told():
    """Ray ends the program then, and says nothing."""
    gone = opening._head_gone_in_words("auto")
    with pytest.raises(UsageError, match="the head of the cluster is gone"), gone:
        raise SystemExit(1)


@pytest.mark.chaos
def test_losses_change_nothing(machines, asked, local):
    """A process is killed, another one hangs, and a node goes with all it had while a new one comes."""
    told = []

    def hit(number):
        there = [index for index in (0, 1) if machines.processes_of(index, "ray::PartActor")]
        machines.send(number, (there or [0])[0], "ray::PartActor")
        return there  # else again at the next look

    blows = {
        0.1: lambda: hit(signal.SIGKILL),
        0.3: lambda: hit(signal.SIGSTOP),
        0.6: lambda: (machines.lose(0), machines.have(2)),
    }

    def strike(share):
        due = [at for at in blows if share >= at]
        for at in due:
            if blows[at]():
                del blows[at]

    with makers_for(config_of(machines), told.append) as made_by:
        require_same(made(made_by, asked, strike), local)
    machines.lose(1)  # the one that came: a test ends what it starts
    machines.send(signal.SIGKILL, 0, "ray::PartActor")  # Ray gives one that hangs some seconds more
    assert not blows
    assert 2 <= len(told) <= 4
    assert any("silent for 4 s" in each for each in told)
    assert all(each.endswith("its part is made again") for each in told)
