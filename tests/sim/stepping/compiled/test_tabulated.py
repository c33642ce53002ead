"""Actors tabulated over the state: the table, machine code that reads it, and how far actions are off."""

from dataclasses import replace

import numpy as np
import pytest
from lives import SEED
from networks import checkpoint_of, random_mlp
from stepping import random_states

from valuescape.presets import find_checkpoint
from valuescape.sim.config.files import load_config
from valuescape.sim.engine import Engine
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.network import Activation, ActorHead
from valuescape.sim.stepping import tabulated
from valuescape.sim.stepping.choose import tabulation_of
from valuescape.sim.stepping.tabulated import grid_of, interpolated, outputs_at, table_of
from valuescape.sim.worlds import make_world

pytest.importorskip("numba")
pytestmark = pytest.mark.regression

CELLS = 48


def settings(world, cells=CELLS, agents=200, **more):
    keys = {
        "world.name": world,
        "agents.count": agents,
        "workers.count": 0,
        "run.seed": SEED,
        "policy.tabulated": cells,
        **more,
    }
    return load_config(None, [f"{key}={value}" for key, value in keys.items()])


def actor(world):
    """A squashed actor with random weights, smooth and not saturated."""
    return checkpoint_of(
        random_mlp((len(world.obs), 64, 64, 1), Activation.TANH, Activation.TANH), ActorHead.SQUASHED
    )


def torch_outputs(torch, checkpoint, world, states):
    """The actor's outputs at states, by torch in double precision."""
    obs = np.empty((len(world.obs), states.shape[1]), np.float32)
    world.observe(states, obs)
    x = torch.from_numpy(obs.T.astype(np.float64))
    for layer in checkpoint.actor.layers:
        x = torch.nn.functional.linear(x, *(torch.from_numpy(a).double() for a in (layer.weight, layer.bias)))
        x = torch.tanh(x) if layer.activation is Activation.TANH else x
    return x.T.numpy()


def test_between_nodes_outputs_are_torchs_bilinear_ones():
    torch = pytest.importorskip("torch")
    world = make_world("mountain_car_continuous")
    checkpoint = actor(world)
    table, grid = table_of(checkpoint, world, CELLS), grid_of(world, CELLS)
    states = random_states(world, np.random.default_rng(2), 2000)
    low, high = (np.array([getattr(v, end) for v in world.state])[:, None] for end in ("low", "high"))
    places = torch.from_numpy(((states - low) / (high - low) * 2 - 1).T[None, None, :, ::-1].copy())
    nodes = torch.from_numpy(table.reshape(1, 1, CELLS + 1, CELLS + 1)).double()
    theirs = torch.nn.functional.grid_sample(nodes, places, align_corners=True).numpy()[0, 0]
    ours, within = interpolated(table, grid, CELLS, states)
    assert within.all()
    np.testing.assert_allclose(ours, theirs, atol=2e-5)


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("mountain_car_continuous", ActorHead.SQUASHED),
        ("pendulum", ActorHead.CLIPPED),
        ("mountain_car", ActorHead.ARGMAX),
    ],
)
def test_ticks_act_as_the_table_says(name, head):
    """Bit by bit as NumPy reads the table, over whole episodes of agents in one and in several slices."""
    world, config = make_world(name), settings(name)
    space = world.action
    units = space.n if head is ActorHead.ARGMAX else 1
    checkpoint = checkpoint_of(random_mlp((len(world.obs), 64, units), Activation.TANH), head)
    table, grid = table_of(checkpoint, world, CELLS), grid_of(world, CELLS)
    with Engine(config, checkpoint) as engine:
        engine.wait_ready()
        for tick in range(1, 230, 6):
            engine.advance_to(tick)
            before, action = engine.row("state", tick - 1), engine.row("action", tick)
            outputs, within = interpolated(table, grid, CELLS, before)
            assert within.all()
            if head is ActorHead.ARGMAX:
                expected = outputs.argmax(axis=0)[None]
            elif head is ActorHead.SQUASHED:
                expected = outputs * ((space.high - space.low) / 2)[:, None]
                expected = np.clip(expected, space.low[:, None], space.high[:, None])
            else:
                expected = np.clip(outputs, space.low[:, None], space.high[:, None])
            running = engine.row("ending", tick - 1) == 0
            np.testing.assert_array_equal(action[:, running], expected[:, running].astype(np.float32))


def test_the_state_does_not_depend_on_slices():
    world = make_world("mountain_car_continuous")
    hashes = set()
    for workers in (0, 2):
        config = settings("mountain_car_continuous", agents=333, **{"workers.count": workers})
        with Engine(config, actor(world)) as engine:
            engine.wait_ready()
            engine.advance_to(60)
            hashes.add(engine.state_hash())
    assert len(hashes) == 1


def test_beyond_the_table_the_network_itself_acts():
    """Also for a single agent of a tile; NaN stays NaN, and agents beside it still read the table."""
    from network_outputs import act_by_network

    from valuescape.sim.codegen.machine import BLOCK_AGENTS
    from valuescape.sim.stepping.compiled.mlp import TILE_AGENTS
    from valuescape.sim.stepping.compiled.network import network_width, policy_arrays
    from valuescape.sim.stepping.tiles import tiled_numbers

    world = make_world("mountain_car_continuous")
    checkpoint = actor(world)
    table, grid = table_of(checkpoint, world, CELLS), grid_of(world, CELLS)
    states = random_states(world, np.random.default_rng(5), 128)
    states[:, 3], states[:, 70], states[0, 71] = (0.7, 0.0), (-1.0, 0.1), np.nan
    numbers = np.concatenate([tiled_numbers(checkpoint), table])
    policy = policy_arrays(checkpoint, world.action, given=False, shared=numbers, cells=CELLS, grid=grid)
    block = np.zeros((5, BLOCK_AGENTS), np.float32)
    block[:2, :128] = block[3:, :128] = states
    network = np.full((3, network_width(policy, 2) * TILE_AGENTS), np.nan, np.float32)
    act_by_network(policy, block[2:3], block, 3, 2, network, 128)
    found, outside = block[2, :128], [3, 70]
    by_table, within = interpolated(table, grid, CELLS, states)
    assert np.flatnonzero(~within).tolist() == [3, 70, 71]
    np.testing.assert_array_equal(found[within], by_table[0, within])
    by_network = outputs_at(checkpoint, world, states)[0]
    np.testing.assert_allclose(found[outside], by_network[outside], atol=4e-6)
    assert np.abs(by_network[outside] - by_table[0, outside]).min() > 1e-3
    assert np.isnan(found[71])


def test_a_periodic_variable_may_be_any_number_of_turns_away():
    world = make_world("pendulum")
    table, grid = table_of(actor(world), world, CELLS), grid_of(world, CELLS)
    states = random_states(world, np.random.default_rng(6), 500)
    near, _ = interpolated(table, grid, CELLS, states)
    states[0] += np.float32(6 * np.pi)
    far, within = interpolated(table, grid, CELLS, states)
    assert within.all()
    np.testing.assert_allclose(far, near, atol=2e-4)


@pytest.mark.parametrize("name", ["mountain_car_continuous", "pendulum"])
def test_the_error_that_is_told_is_the_largest_against_torch(name):
    """At other random states, and at midpoints, torch finds no larger one, but for the seldom worst."""
    torch = pytest.importorskip("torch")
    world = make_world(name)
    checkpoint, config = actor(world), settings(name)
    said = tabulation_of(config, world, checkpoint)
    states = random_states(world, np.random.default_rng(7), 20_000)
    exact = torch_outputs(torch, checkpoint, world, states)
    by_table, _ = interpolated(table_of(checkpoint, world, CELLS), grid_of(world, CELLS), CELLS, states)
    largest = np.abs(by_table - exact).max() / 2  # outputs of -1 to 1
    assert 0.3 * said.largest < largest < 1.02 * said.largest
    span = world.action.high[0] - world.action.low[0]
    assert said.units == pytest.approx(said.largest * span)
    finer = tabulation_of(settings(name, 4 * CELLS), world, checkpoint)
    assert finer.largest < said.largest / 8  # it falls with the square


def test_the_error_of_choices_is_the_share_of_states(monkeypatch):
    world = make_world("mountain_car")
    checkpoint = find_checkpoint("auto", world)
    said = tabulation_of(settings("mountain_car"), world, checkpoint)
    assert said.units is None
    assert 0 < said.largest < 0.02
    assert "policy.tabulated = 48: at 67,840 states, the table chooses otherwise" in str(said)
    monkeypatch.setattr(tabulated, "interpolated", lambda *_: (-outputs_at(checkpoint, world, _[3]), None))
    assert tabulation_of(settings("mountain_car"), world, checkpoint).largest > 0.9


@pytest.mark.parametrize(
    ("world", "more", "said"),
    [
        ("cartpole", {}, "world cartpole has 4 state variables, and tables are of 2"),
        ("flock", {}, "no network acts"),
        ("mountain_car", {"features.simd": "false"}, "ticks of world mountain_car with this policy are not"),
    ],
)
def test_what_cannot_be_tabulated_is_refused_by_name(world, more, said):
    made = make_world(world)
    checkpoint = None if world == "flock" else find_checkpoint("auto", made)
    with pytest.raises(UsageError, match=f"policy.tabulated = 48, but {said}") as error:
        Engine(settings(world, **more), checkpoint)
    assert error.value.hint == "set policy.tabulated = 0"


def test_an_update_of_the_policy_replaces_the_table():
    world = make_world("mountain_car_continuous")
    one, config = actor(world), settings("mountain_car_continuous")
    layers = one.actor.layers
    last = replace(layers[-1], bias=layers[-1].bias + 1)
    other = replace(one, actor=replace(one.actor, layers=(*layers[:-1], last)))
    with Engine(config, one) as engine:
        engine.wait_ready()
        engine.advance_to(3)
        engine.change(config, other)
        while engine.checkpoint is not other:
            engine.check()
        engine.advance_to(10)
        before, action = engine.row("state", 9), engine.row("action", 10)
        table, grid = table_of(other, world, CELLS), grid_of(world, CELLS)
        np.testing.assert_array_equal(action, interpolated(table, grid, CELLS, before)[0])
