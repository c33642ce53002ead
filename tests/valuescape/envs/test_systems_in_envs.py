"""Environments whose worlds have systems of plug-ins: policies see the world's own observations alone."""

import numpy as np
import pytest
from known_plugins import forgotten
from sample_systems import wind, wind_arrays

import valuescape
from valuescape.sim.plugins import PLUGINS, Kind

pytest.importorskip("gymnasium")


def seen_in(*systems):
    """Return observations and rewards of 20 steps with `systems`, each [20, …]."""
    with forgotten():
        for each in systems:
            PLUGINS.declare(Kind.WORKER_SYSTEM, each.name, each.function, options=each)
        envs = valuescape.make_vec("mountain_car", num_envs=40, num_workers=0)
        envs.reset(seed=3)
        steps = [envs.step(np.full(40, 2))[:2] for _ in range(20)]
        envs.close()
    return tuple(np.stack(column) for column in zip(*steps, strict=True))


def test_wind_in_arrays_and_element_by_element_is_the_same_in_environments():
    obs, rewards = seen_in(wind)
    assert obs.shape == (20, 40, 2)
    in_arrays = seen_in(wind_arrays)
    assert np.array_equal(in_arrays[0], obs)
    assert np.array_equal(in_arrays[1], rewards)
    assert not np.array_equal(seen_in()[0], obs)
