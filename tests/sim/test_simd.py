"""The compiled path against the plain one: ticks bit by bit, networks within a stated bound."""

import itertools
import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from crowds import hash_at, small
from hypothesis import given, settings
from hypothesis import strategies as st
from lives import lives_of, shortened, stage
from networks import random_mlp

from sim.control import Bell
from sim.elementwise import sqrt
from sim.errors import UsageError
from sim.layout import Ending, slices
from sim.policy.inference import BLOCK, BatchMlp, BatchPolicy, normalized_obs
from sim.policy.network import (
    Activation,
    ActorHead,
    Checkpoint,
    CriticKind,
    Layer,
    Mlp,
    ObsNormalization,
)
from sim.stepper import Stepper
from sim.worker import WorkerSpec, make_stepper
from sim.worlds import WORLDS, ContinuousAction, Variable, make_world
from sim.worlds.base import ElementwiseWorld
from sim.worlds.point_mass import PointMass
from valuescape.presets import find_checkpoint

pytest.importorskip("numba")

from sim.simd.acting import network_actions
from sim.simd.compiler import compiled
from sim.simd.machine import BLOCK_AGENTS
from sim.simd.mlp import ACTIVATIONS, TILE_AGENTS
from sim.simd.policy import forward_tile, network_width, policy_arrays
from sim.simd.stepper import make_compiled_stepper
from sim.simd.world import world_code

pytestmark = pytest.mark.regression

ELEMENTWISE = [name for name, world in WORLDS.items() if issubclass(world, ElementwiseWorld)]


# --- Ticks -----------------------------------------------------------------------------------------------


def assert_same_lives(ours, theirs):
    assert ours.keys() == theirs.keys()
    for name in ours:
        if ours[name].tobytes() != theirs[name].tobytes():
            tick = next(
                i for i, pair in enumerate(zip(ours[name], theirs[name], strict=True)) if _differ(pair)
            )
            pytest.fail(f"{name} differs in tick {tick}: {ours[name][tick]}, {theirs[name][tick]}")


def _differ(pair):
    return pair[0].tobytes() != pair[1].tobytes()


def twins(world, agents, ticks, checkpoint=None, before_tick=None, **rules):
    """The same lives, plain and compiled, and both arenas' steppers."""
    lives = []
    for compiles in (False, True):
        arena, its_rules = stage(world, agents, **rules)
        part = slice(0, agents)
        policy = BatchPolicy(checkpoint, world.action, agents) if checkpoint else None
        stepper = (
            make_compiled_stepper(arena, part, world, checkpoint, its_rules)
            if compiles
            else Stepper(arena, part, world, policy, its_rules)
        )
        lives.append(lives_of(stepper, ticks, before_tick(stepper) if before_tick else lambda tick: None))
    return lives


def assert_eventful(seen):
    """Not one of the episodes of `seen` that end and begin again may be missing from a comparison."""
    assert seen["finished_count"][-1].all()
    assert (seen["number"][-1] > 0).all()


@pytest.mark.parametrize("agents", [1, 31, 33])
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_a_compiled_tick_of_random_actions_is_numpys(name, agents):
    plain, compiled_ = twins(shortened(name, 40), agents, 400)
    assert_eventful(plain)
    assert_same_lives(plain, compiled_)


@pytest.mark.parametrize("agents", [2049, 4100])
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_blocks_that_are_not_full_are_no_exception(name, agents):
    """One agent more than a block; two blocks and a bit."""
    assert BLOCK_AGENTS == 2048
    plain, compiled_ = twins(shortened(name, 25), agents, 60)
    assert_eventful(plain)
    assert_same_lives(plain, compiled_)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_whole_episodes_are_numpys(name):
    """At the world's own length, which most of its states come up in."""
    world = make_world(name)
    assert_same_lives(*twins(world, 40, min(world.max_episode_steps + 20, 1100)))


def given_actions(stepper):
    """Write actions within and beyond the bounds before every tick, whole ones for a choice."""
    space, rng = stepper.world.action, np.random.default_rng(3)

    def write(_tick):
        target = stepper.arena["given_action"]
        if isinstance(space, ContinuousAction):
            span = (space.high - space.low)[:, None]
            target[:] = space.low[:, None] + span * rng.uniform(-0.5, 1.5, target.shape)
        else:
            target[:] = rng.integers(-1, space.n + 1, target.shape)

    return write


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_given_actions_are_clipped_and_done_as_numpys(name):
    world = shortened(name, 40)
    plain, compiled_ = twins(world, 33, 300, before_tick=given_actions, given_actions=True)
    assert_eventful(plain)
    assert_same_lives(plain, compiled_)


class Wide(ElementwiseWorld):
    """Six state variables, of which agents see differences, and a single draw to start from."""

    name = "wide"
    source = "this test"
    state = tuple(Variable(f"s{index}", "", -9, 9) for index in range(6))
    obs = state[:3]
    action = ContinuousAction((Variable("push", "", -1, 1),))
    step_s = 1.0
    max_episode_steps = 9
    reset_draws = 1

    @staticmethod
    def start(draws):
        x = draws[0]
        return x, -x, x * x, x + x, -x * x, x

    @staticmethod
    def dynamics(state, action):
        a, b, c, d, e, f = state
        return (b, c, d, e, f, a + action[0]), a, a > d

    @staticmethod
    def observation(state):
        return state[0] - state[1], state[2] - state[3], state[4] - state[5]


def test_a_world_with_many_variables_and_few_draws_fits_into_its_block():
    code = world_code(Wide())
    assert code.rows >= code.draw_row + len(Wide.state)  # where its next states' observations are made
    plain, compiled_ = twins(Wide(), 2100, 60, before_tick=given_actions, given_actions=True)
    assert_eventful(plain)
    assert plain["obs"].any()
    assert_same_lives(plain, compiled_)


def restarted_by_hand(stepper):
    """Restart those whose episode ended, and every seventh tick one whose has not."""

    def restart(tick):
        ended = stepper.row(tick - 1).ending != Ending.RUNNING
        if tick % 7 == 0:
            ended[tick % len(ended)] = True
        stepper.restart(np.flatnonzero(ended), tick - 1)

    return restart


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_without_autoreset_agents_go_on_or_are_restarted_as_numpys(name):
    assert_same_lives(*twins(shortened(name, 20), 33, 100, autoreset=False))
    plain, compiled_ = twins(shortened(name, 20), 33, 300, before_tick=restarted_by_hand, autoreset=False)
    assert_eventful(plain)
    assert_same_lives(plain, compiled_)


PERIODIC_MAPS = [
    (name, axes)
    for name in ELEMENTWISE
    for axes in itertools.permutations(range(len(WORLDS[name].state)), 2)
    if any(WORLDS[name].state[axis].periodic for axis in axes)
]


@pytest.mark.parametrize(("name", "axes"), PERIODIC_MAPS)
def test_trails_on_a_periodic_map_are_numpys(name, axes):
    plain, compiled_ = twins(shortened(name, 150), 64, 300, map_axes=axes)
    assert_same_lives(plain, compiled_)


def test_some_trail_crosses_the_edge_of_a_periodic_map():
    """Else the test above would compare what does not happen."""
    seen, _ = twins(shortened("pendulum", 150), 64, 150)
    assert seen["trail_strand"][149].any()


@settings(deadline=None, max_examples=12)
@given(st.integers(1, 4500), st.integers(1, 5), st.sampled_from(ELEMENTWISE))
def test_slices_stepped_on_their_own_come_to_the_same(agents, workers, name):
    world = shortened(name, 12)
    whole, rules = stage(world, agents)
    parts, _ = stage(world, agents)
    plain = Stepper(whole, slice(0, agents), world, None, rules)
    steppers = [
        make_compiled_stepper(parts, part, world, None, rules) for part in slices(agents, workers, BLOCK)
    ]
    for stepper in (plain, *steppers):
        stepper.initialise()
        for tick in range(20):
            stepper.step(tick)
    for name in whole.layout.fields():
        assert whole[name].tobytes() == parts[name].tobytes(), name


def test_a_compiled_tick_made_twice_gives_the_same():
    """As when a worker dies after it has written half of a tick, and its heir makes that tick again."""
    world = shortened("pendulum", 10)
    arena, rules = stage(world, 70)
    stepper = make_compiled_stepper(arena, slice(0, 70), world, None, rules)
    stepper.initialise()
    for tick in range(25):
        stepper.step(tick)
        once = {name: arena[name].tobytes() for name in arena.layout.fields()}
        for name in (
            "state",
            "action",
            "reward",
            "ending",
            "episode_return",
            "trail_position",
            "trail_strand",
        ):
            arena[name][(tick + 1) % len(arena[name])] = 99
        stepper.step(tick)
        assert {name: arena[name].tobytes() for name in arena.layout.fields()} == once


def test_the_plain_path_may_go_on_from_a_compiled_tick():
    """As a worker does that replaces one, whichever path either takes."""
    world = shortened("acrobot", 15)
    arena, rules = stage(world, 40)
    twin, _ = stage(world, 40)
    part = slice(0, 40)
    plain, machine = (
        Stepper(arena, part, world, None, rules),
        make_compiled_stepper(arena, part, world, None, rules),
    )
    alone = Stepper(twin, part, world, None, rules)
    plain.initialise()
    alone.initialise()
    for tick in range(90):
        (machine if tick // 7 % 2 else plain).step(tick)
        alone.step(tick)
    for name in arena.layout.fields():
        assert arena[name].tobytes() == twin[name].tobytes(), name


# --- Networks --------------------------------------------------------------------------------------------


def checkpoint_of(actor, head=ActorHead.CLIPPED, normalization=None):
    """A checkpoint of which only the actor counts."""
    none = np.zeros(0, np.float32)
    return Checkpoint(
        algorithm="ppo",
        world="",
        obs_dim=actor.in_dim,
        actor=actor,
        actor_head=head,
        critics=(actor,),
        critic_kind=CriticKind.STATE_VALUE,
        action_low=none,
        action_high=none,
        obs_normalization=normalization,
        gamma=0.99,
    )


def selecting(obs_dim, units):
    """A network whose sums are exact in any order: unit k tells half of an observation, and a quarter."""
    weight = np.zeros((units, obs_dim), np.float32)
    weight[np.arange(units), np.arange(units) % obs_dim] = 0.5 * (-1.0) ** np.arange(units)
    return Mlp((Layer(weight, np.full(units, 0.25, np.float32), Activation.IDENTITY),))


@pytest.mark.parametrize("exploration", [0.0, 0.3])
@pytest.mark.parametrize("head", [ActorHead.CLIPPED, ActorHead.SQUASHED])
@pytest.mark.parametrize("name", [n for n in ELEMENTWISE if isinstance(WORLDS[n].action, ContinuousAction)])
def test_what_is_done_with_a_networks_outputs_is_numpys(name, head, exploration):
    """Scaling, clipping and noise round alike; the outputs are exact here, in any order of sums."""
    world = shortened(name, 30)
    checkpoint = checkpoint_of(selecting(len(world.obs), world.action.dim), head)
    plain, compiled_ = twins(world, 97, 200, checkpoint, exploration=exploration)
    assert_eventful(plain)
    assert_same_lives(plain, compiled_)


@pytest.mark.parametrize("exploration", [0.0, 0.3])
@pytest.mark.parametrize(
    "name", [n for n in ELEMENTWISE if not isinstance(WORLDS[n].action, ContinuousAction)]
)
def test_choices_are_numpys(name, exploration):
    world = shortened(name, 30)
    checkpoint = checkpoint_of(selecting(len(world.obs), world.action.n), ActorHead.ARGMAX)
    plain, compiled_ = twins(world, 97, 200, checkpoint, exploration=exploration)
    assert_eventful(plain)
    assert len(np.unique(plain["action"])) > 1
    assert_same_lives(plain, compiled_)


@compiled
def _outputs(policy, block, obs_dim, network, count, out):
    for first in range(0, count, TILE_AGENTS):
        values = network[forward_tile(policy, block, 0, obs_dim, first, network)]
        for row in range(len(out)):
            out[row, first : first + TILE_AGENTS] = values[row * TILE_AGENTS : (row + 1) * TILE_AGENTS]


def outputs(checkpoint, obs):
    """The compiled network's outputs for `obs` [obs_dim, n], which fill whole tiles."""
    policy = policy_arrays(checkpoint, WORLDS["point_mass"].action, 0.0, given=False)
    block = np.full((len(obs), BLOCK_AGENTS), np.nan, np.float32)
    block[:, : obs.shape[1]] = obs
    network = np.full((3, network_width(policy, len(obs)) * TILE_AGENTS), np.nan, np.float32)
    out = np.empty((checkpoint.actor.out_dim, obs.shape[1]), np.float32)
    _outputs(policy, block, len(obs), network, obs.shape[1], out)
    return out


def actions(checkpoint, space, obs):
    """The compiled policy's actions for `obs` [obs_dim, n], with rubbish beside it in the block."""
    policy = policy_arrays(checkpoint, space, 0.0, given=False)
    count = obs.shape[1]
    block = np.full((len(obs), BLOCK_AGENTS), np.nan, np.float32)
    block[:, :count] = obs
    network = np.full((3, network_width(policy, len(obs)) * TILE_AGENTS), np.nan, np.float32)
    action = np.full((space.dim, BLOCK_AGENTS), np.nan, np.float32)
    network_actions(policy, action, block, 0, len(obs), network, count)
    return action[:, :count]


def difference(checkpoint, obs=None):
    """The largest difference of the compiled network's outputs from `sim.policy.inference`'s.

    Relative to the largest output, if that is above one: sums are rounded where they are largest.
    """
    if obs is None:
        obs = np.random.default_rng(8).uniform(-3, 3, (checkpoint.obs_dim, 1024)).astype(np.float32)
    theirs = np.empty((checkpoint.actor.out_dim, obs.shape[1]), np.float32)
    inputs = normalized_obs(checkpoint, obs)
    BatchMlp(checkpoint.actor, obs.shape[1]).forward(inputs, theirs)
    assert np.ptp(theirs, axis=1).max() > 0.1
    return float(np.abs(outputs(checkpoint, obs) - theirs).max() / max(1, np.abs(theirs).max()))


BOUND = 4e-6
"""Sums of up to 300 rounded products, in another order, layer upon layer, and a tanh within 3.1e-7."""


@pytest.mark.parametrize("last", [Activation.IDENTITY, Activation.TANH])
@pytest.mark.parametrize("hidden", [Activation.TANH, Activation.RELU])
@pytest.mark.parametrize("seed", range(4))
def test_a_network_of_64_64_is_within_2e_6_of_numpys(hidden, last, seed):
    assert difference(checkpoint_of(random_mlp((3, 64, 64, 2), hidden, last, seed=seed))) < BOUND / 2


@pytest.mark.parametrize("hidden", ACTIVATIONS)
@pytest.mark.parametrize("last", ACTIVATIONS)
def test_every_activation_is_within_4e_6_of_numpys(hidden, last):
    assert difference(checkpoint_of(random_mlp((3, 64, 64, 2), hidden, last))) < BOUND


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_the_shipped_networks_are_within_4e_6_of_numpys(name):
    """On what agents see who act at random, over whole episodes."""
    world = make_world(name)
    arena, rules = stage(world, 16)
    stepper = Stepper(arena, slice(0, 16), world, None, rules)
    seen = lives_of(stepper, 256)["state"][-64:].transpose(1, 0, 2).reshape(len(world.state), -1)
    obs = np.empty((len(world.obs), seen.shape[1]), np.float32)
    world.observe(seen, obs)
    assert difference(find_checkpoint("auto", world), obs) < BOUND


@pytest.mark.parametrize(
    "sizes", [(3, 300, 300, 2), (17, 1, 5), (1, 65, 63, 4), (4, 1), (6, 256, 256, 256, 3)]
)
def test_networks_of_any_size_are_within_4e_6_of_numpys(sizes):
    """Sums of 300 products have more roundings; sizes that fill no tile are padded."""
    assert difference(checkpoint_of(random_mlp(sizes, Activation.TANH))) < BOUND


def test_observations_are_normalised_and_sums_clipped_as_numpys():
    norm = ObsNormalization(np.float32([0.1, -0.2, 3]), np.float32([2, 0.5, 0.1]), 1.5)
    actor = random_mlp((3, 64, 64, 2), Activation.TANH, Activation.TANH, clip=0.5)
    checkpoint = checkpoint_of(actor, normalization=norm)
    assert difference(checkpoint) < BOUND
    obs = np.random.default_rng(8).uniform(-3, 3, (3, 1024)).astype(np.float32)
    seen = outputs(checkpoint, obs)
    assert np.abs(seen).max() == pytest.approx(math.tanh(0.5), abs=1e-6)
    without = outputs(checkpoint_of(actor), obs)
    assert np.abs(seen - without).max() > 0.1


def test_a_tie_goes_to_the_lowest():
    """Scores that are equal bit by bit: of three, of the last two, of zeros that differ in sign."""
    space = WORLDS["mountain_car"].action
    scores = np.float32([[1, 1, 1], [0, 2, 2], [3, 0, 3], [0.0, -0.0, -1], [-0.0, 0.0, 0.0], [-1, -2, -1]]).T
    identity = Mlp((Layer(np.eye(3, dtype=np.float32), np.zeros(3, np.float32), Activation.IDENTITY),))
    checkpoint = checkpoint_of(identity, ActorHead.ARGMAX)
    assert actions(checkpoint, space, scores)[0].tolist() == [0, 1, 0, 0, 0, 0]
    plain = np.empty((1, 6), np.float32)
    BatchPolicy(checkpoint, space, 6).act(scores, plain)
    assert plain[0].tolist() == [0, 1, 0, 0, 0, 0]


@pytest.mark.parametrize("hidden", ACTIVATIONS)
def test_an_agents_action_does_not_depend_on_who_is_beside_it(hidden):
    """To the bit: alone, at other places, among numbers that are none."""
    rng = np.random.default_rng(4)
    space = WORLDS["point_mass"].action
    norm = ObsNormalization(np.float32([0.1, -0.2]), np.float32([2, 0.5]), 3.0)
    checkpoint = checkpoint_of(random_mlp((2, 64, 30, 1), hidden, Activation.TANH), ActorHead.SQUASHED, norm)
    obs = rng.uniform(-3, 3, (2, 300)).astype(np.float32)
    together = actions(checkpoint, space, obs)
    assert len(np.unique(together)) > 50
    order = rng.permutation(300)
    np.testing.assert_array_equal(actions(checkpoint, space, obs[:, order]), together[:, order])
    for agent in (0, 63, 64, 299):
        np.testing.assert_array_equal(
            actions(checkpoint, space, obs[:, agent : agent + 1]), together[:, agent : agent + 1]
        )
    hostile = obs.copy()
    hostile[:, 1::2] = rng.choice(np.float32([np.nan, np.inf, -np.inf, 1e38]), (2, 150))
    np.testing.assert_array_equal(actions(checkpoint, space, hostile)[:, ::2], together[:, ::2])


# --- What cannot be compiled -----------------------------------------------------------------------------


class Doubled(PointMass):
    """What follows are worlds with a Python float where an np.float32 is asked for."""

    @staticmethod
    def dynamics(state, action):
        return (state[0] * 0.5, state[1] + action[0]), sqrt(state[0] * state[0]), state[0] > state[1]


class DoubledReward(PointMass):
    @staticmethod
    def dynamics(state, action):
        return (state[0], state[1]), state[0] * 0.5, state[0] > state[1]


class DoubledStart(PointMass):
    @staticmethod
    def start(draws):
        return draws[0] * 2.0, draws[1]


class DoubledObservation(PointMass):
    @staticmethod
    def observation(state):
        return state[0] / 3.0, state[1]


def spec_of(config, arena, rules):
    """The orders of a worker that steps all agents of `arena`."""
    bell = Bell()
    bell.close()
    part = slice(0, arena.layout.agents)
    return WorkerSpec(0, part, config, None, rules, arena, (), bell)


@pytest.mark.parametrize("world", [Doubled, DoubledReward, DoubledStart, DoubledObservation])
def test_a_world_that_calculates_in_float64_is_refused(monkeypatch, world):
    monkeypatch.setitem(WORLDS, "doubled", world)
    monkeypatch.setattr(world, "name", "doubled")
    arena, rules = stage(world(), 10)
    with pytest.raises(UsageError) as refusal:
        make_stepper(spec_of(small("world.name=doubled"), arena, rules))
    first, second = str(refusal.value).splitlines()
    assert first.startswith("world doubled cannot be compiled: ")
    assert "float32" in first
    assert second == "  write it with sim.elementwise and np.float32 constants, or --set features.simd=false"
    plain = make_stepper(spec_of(small("world.name=doubled", "features.simd=false"), arena, rules))
    assert type(plain) is Stepper


def test_a_policy_without_machine_code_takes_the_plain_path():
    config = small()
    arena, rules = stage(make_world("point_mass"), 10)
    spec = spec_of(config, arena, rules)
    assert type(make_stepper(spec)) is not Stepper
    odd = checkpoint_of(random_mlp((2, 8, 1), Activation.GELU))
    assert Activation.GELU not in ACTIVATIONS
    assert type(make_stepper(replace(spec, checkpoint=odd))) is Stepper


# --- Kept machine code -----------------------------------------------------------------------------------

ROOT = Path(__file__).parents[2]


def python(script, *arguments, **environment):
    """Run a script in a process of its own; return the words that it prints."""
    done = subprocess.run(
        [sys.executable, str(script), *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


STEPS = """
import sim.simd.loop, sim.simd.tick
from sim.config import load_config
from sim.engine import Engine
from sim.simd.compiler import _made

with Engine(load_config(None, ["agents.count=70", "workers.count=0"]), None) as engine:
    engine.advance_to(3)
names = vars(sim.simd.loop) | vars(sim.simd.tick)
found = [each for each in names.values() if hasattr(each, "stats")]
print(bool(sum(sum(each.stats.cache_hits.values()) for each in found)))
print(sum(sum(each.stats.cache_misses.values()) for each in found))
print(len(_made), sum(made.cache_hits for made in _made))
"""


def test_a_second_process_compiles_nothing(tmp_path):
    """Neither the ticks nor what the world consists of; the first one may, if nobody has before."""
    script = tmp_path / "steps.py"
    script.write_text(STEPS)
    python(script)
    assert python(script) == ["True", "0", "3", "3"]


WORLD = """
import numpy as np
from sim.worlds.point_mass import PointMass
from valuescape.presets import find_checkpoint
from helper import pull

SHARE = np.float32(0.5)

class Mine(PointMass):
    @staticmethod
    def dynamics(state, action):
        return (state[0] * SHARE + pull(state[1]), state[1]), state[0], state[0] > state[1]
"""

HELPER = """
import numpy as np

FORCE = np.float32(8)

def pull(x):
    return x * FORCE
"""

CALLS = """
import ctypes
import numpy as np
from mine import Mine
from sim.simd.compiler import _made
from sim.simd.machine import BLOCK_AGENTS
from sim.simd.world import world_code

code = world_code(Mine())
block, flags = np.ones((code.rows, BLOCK_AGENTS), np.float32), np.zeros(BLOCK_AGENTS, bool)
step = ctypes.CFUNCTYPE(None, ctypes.c_size_t, ctypes.c_ssize_t, ctypes.c_size_t)(code.step)
step(block.ctypes.data, 1, flags.ctypes.data)
print(block[code.next_row, 0], sum(made.cache_hits for made in _made))
"""


@pytest.mark.parametrize(
    ("file", "before", "after", "expected"),
    [
        ("mine.py", "float32(0.5)", "float32(0.25)", "8.25"),
        ("mine.py", "+ pull", "- pull", "-7.5"),
        ("helper.py", "x * FORCE", "x / FORCE", "0.625"),
        ("helper.py", "float32(8)", "float32(4)", "4.5"),
    ],
    ids=["constant", "dynamics", "function elsewhere", "constant elsewhere"],
)
def test_a_change_of_a_worlds_source_is_noticed(tmp_path, file, before, after, expected):
    for name, source in (("mine.py", WORLD), ("helper.py", HELPER), ("calls.py", CALLS)):
        (tmp_path / name).write_text(source)
    kept = {"NUMBA_CACHE_DIR": str(tmp_path / "kept")}
    script = tmp_path / "calls.py"
    assert python(script, **kept) == ["8.5", "0"]
    assert python(script, **kept) == ["8.5", "3"]
    changed = tmp_path / file
    changed.write_text(changed.read_text().replace(before, after))
    assert python(script, **kept) == [expected, "0"]


# --- Without numba ---------------------------------------------------------------------------------------

WITHOUT = """
import sys
sys.modules["numba"] = None  # as if it were not installed, here and in workers, which import this too

from sim.config import load_config
from sim.engine import Engine

if __name__ == "__main__":
    with Engine(load_config(None, sys.argv[1:]), None) as engine:
        engine.wait_ready()
        engine.advance_to(150)
        print(engine.state_hash())
"""


@pytest.mark.parametrize("workers", [0, 2])
def test_without_numba_everything_runs_and_comes_to_the_same(tmp_path, workers):
    script = tmp_path / "without.py"
    script.write_text(WITHOUT)
    changes = ["agents.count=70", "trails.length=16", f"workers.count={workers}", "sim.ticks_per_s=0"]
    expected = hash_at(150, small("run.seed=0"))
    assert python(script, *changes) == [expected]


def test_the_switch_and_numbas_absence_both_give_the_plain_path(monkeypatch):
    arena, rules = stage(make_world("point_mass"), 10)
    assert type(make_stepper(spec_of(small("features.simd=false"), arena, rules))) is Stepper
    monkeypatch.setattr("sim.worker.available", lambda: False)
    assert type(make_stepper(spec_of(small(), arena, rules))) is Stepper
