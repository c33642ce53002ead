"""Looks at the agents' states: by the clock, or in lockstep by ticks."""

from types import SimpleNamespace

import numpy as np
import pytest

from valuescape.run.map_sources import agent_states
from valuescape.run.map_sources.agent_states import AgentStates


class StandIn:
    """An engine whose states at a tick are full of its number."""

    newest_tick = 0
    config = SimpleNamespace(sim=SimpleNamespace(ticks_per_s=20.0))

    def recent_row(self, name, tick):
        return np.full((2, 3), tick, np.float32)


@pytest.mark.parametrize("frame_s", [0.0, 5.0])
def test_looks_in_lockstep_depend_on_ticks_alone(monkeypatch, frame_s):
    clock = iter(np.arange(100.0) * frame_s)
    monkeypatch.setattr(agent_states.time, "monotonic", lambda: next(clock))
    engine, seen = StandIn(), []
    states = AgentStates(engine)
    for engine.newest_tick in range(3, 60, 3):
        seen.append(int(states.look(in_lockstep=True)[0, 0]))
    assert sorted(set(seen)) == [3, 24, 45]
    assert states.tick == 45


@pytest.mark.parametrize("in_lockstep", [False, True])
def test_states_that_a_picture_shows_stay(in_lockstep):
    engine = StandIn()
    states = AgentStates(engine)
    states.see(7)
    engine.newest_tick = 500
    assert (states.look(in_lockstep=in_lockstep) == 7).all()
