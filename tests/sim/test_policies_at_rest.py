"""Another policy of the same shapes takes over while all workers rest: in the arena, from one tick on."""

import numpy as np
import pytest
from crowds import check_until, crowd, small
from disturbing import kill
from networks import checkpoint_of, random_mlp

from valuescape.sim.config.files import changed
from valuescape.sim.engine import Engine
from valuescape.sim.policy.inference import BatchPolicy
from valuescape.sim.policy.network import Activation, ObsNormalization
from valuescape.sim.stepping.choose import uses_simd

CONTINUOUS = "world.name=mountain_car_continuous"


def policy(seed, widths=(8, 8), hidden=Activation.TANH):
    """Return a policy for CONTINUOUS, with statistics of observations that depend on the seed too."""
    rng = np.random.default_rng(seed)
    mean, std = rng.normal(size=(2, 2)).astype(np.float32) * np.float32(0.2)
    norm = ObsNormalization(mean, np.abs(std) + np.float32(0.1), 10.0)
    return checkpoint_of(random_mlp((2, *widths, 1), hidden, seed=seed), normalization=norm)


def takes_over(engine, checkpoint, **settings):
    """Have another policy act; return the tick from which it does."""
    engine.change(changed(engine.config, settings), checkpoint)
    engine.finish_change()
    assert engine.change_failed == ""
    assert engine.checkpoint is checkpoint
    return engine.changes[-1].tick


def acts(engine, checkpoint, tick):
    """Return whether the actions that led to `tick` are those of a policy, in NumPy."""
    before = engine.row("state", tick - 1)
    wanted = np.empty((1, before.shape[1]), np.float32)
    BatchPolicy(checkpoint, engine.world.action, before.shape[1]).act(before, wanted)
    running = engine.row("ending", tick - 1) == 0
    return np.allclose(engine.row("action", tick)[:, running], wanted[:, running], atol=2e-5)


@pytest.mark.parametrize("simd", ["true", "false"])
def test_the_state_is_the_same_for_any_number_of_workers(simd):
    """Compiled and in NumPy; without a succession; each policy acts from the tick of its change on."""
    one, two, three = (policy(seed) for seed in range(3))
    hashes = set()
    for workers in (0, 2):
        with crowd(small(CONTINUOUS, f"workers.count={workers}", f"features.simd={simd}"), one) as engine:
            for number, each in enumerate((two, three, one)):
                engine.advance_to(20 * (number + 1))
                assert takes_over(engine, each) == 20 * (number + 1)
                engine.advance_to(20 * (number + 1) + 1)
                assert acts(engine, each, engine.newest_tick)
            assert engine.generation == 0
            engine.advance_to(80)
            hashes.add(engine.state_hash())
    assert len(hashes) == 1


@pytest.mark.parametrize("simd", ["true", "false"])
def test_beside_the_caller_it_takes_over_in_all_workers_at_one_tick(simd):
    """A replay in step with the caller, of the changes that the engine noted, comes to the same state."""
    config = small(CONTINUOUS, "workers.count=2", f"features.simd={simd}")
    policies = [policy(seed) for seed in range(6)]
    with crowd(config, policies[0]) as engine:
        engine.run_freely()
        for each in policies[1:]:
            tick = takes_over(engine, each)
            check_until(engine, lambda tick=tick: engine.newest_tick > tick + 3)
        ticks, end = [each.tick for each in engine.changes], engine.rest()
        seen = engine.state_hash()
    with crowd(changed(config, {"workers.count": 0}), policies[0]) as engine:
        for tick, each in zip(ticks, policies[1:], strict=True):
            engine.advance_to(tick)
            takes_over(engine, each)
        engine.advance_to(end)
        assert engine.state_hash() == seen


@pytest.mark.parametrize("simd", ["true", "false"])
def test_a_worker_that_is_replaced_has_the_newest_policy(simd):
    old, new = policy(0), policy(1)
    config = small(CONTINUOUS, "workers.count=1", "sim.ticks_per_s=200", f"features.simd={simd}")
    with crowd(config, old) as engine:
        engine.advance_to(10)
        takes_over(engine, new)
        kill(engine.worker_pids[0])
        engine.run_freely()
        check_until(engine, lambda: engine.newest_tick >= 20)
        tick = engine.rest()
        assert engine.restarts == 1
        assert acts(engine, new, tick)
        assert not acts(engine, old, tick)


def test_it_does_not_wait_for_a_succession_and_comes_with_it():
    old, new = policy(0), policy(1)
    with crowd(small(CONTINUOUS), old) as engine:
        engine.advance_to(10)
        engine.change(changed(engine.config, {"agents.count": 90}))
        engine.change(engine.asked.config, new)
        engine.finish_change()
        assert [each.config.agents.count for each in engine.changes] == [70, 90]
        assert (engine.checkpoint, engine.config.agents.count) == (new, 90)
        engine.advance_to(11)
        assert acts(engine, new, 11)


def test_a_policy_of_other_shapes_takes_a_succession_and_the_newest_of_its_kind_comes_with_it():
    old, wide, wider = policy(0), policy(1, (16, 8)), policy(2, (16, 8))
    with crowd(small(CONTINUOUS), old) as engine:
        engine.advance_to(10)
        engine.change(changed(engine.config, {"policy.steps": 1}), wide)
        engine.change(changed(engine.config, {"policy.steps": 2}), wider)
        assert (engine.checkpoint, engine.config.policy.steps) == (old, "last")
        engine.finish_change()
        assert (engine.generation, engine.config.policy.steps) == (1, 2)
        assert engine.checkpoint is wider
        engine.advance_to(11)
        assert acts(engine, wider, 11)


def test_shapes_activations_and_statistics_decide_whether_a_policy_takes_the_place_of_another():
    first = policy(0)
    others = {
        "wider": policy(1, (8, 9)),
        "relu": policy(1, hidden=Activation.RELU),
        "no statistics": checkpoint_of(policy(1).actor),
    }
    for other in others.values():
        with Engine(config := small(CONTINUOUS), first) as engine:
            engine.wait_ready()
            takes_over(engine, other)
            assert engine.generation == 1
            assert uses_simd(config)
