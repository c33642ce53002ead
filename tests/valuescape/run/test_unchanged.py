"""A picture that would be the one that is shown is not drawn again."""

from types import SimpleNamespace

import pytest
from hands import at_the_picture, does, turn  # noqa: F401 (a fixture)

from valuescape.render.displays.events import Action, Key, Move
from valuescape.run import unchanged
from valuescape.run.unchanged import Due, Unchanged


@pytest.fixture
def clock(monkeypatch):
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(unchanged, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def test_nothing_is_done_once_nothing_has_changed_for_a_while(clock):
    frames = Unchanged()
    assert frames.due("a", happened=False) is Due.DRAW
    clock.now += 0.05
    assert frames.due("a", happened=False) is Due.DRAW, "the next tick may be due"
    clock.now += 0.1
    assert frames.due("a", happened=False) is Due.NOTHING
    assert frames.due("b", happened=False) is Due.DRAW


def test_an_event_and_no_key_are_reasons_to_draw(clock):
    frames = Unchanged()
    frames.due("a", happened=False)
    clock.now += 0.2
    assert frames.due("a", happened=True) is Due.DRAW
    clock.now += 0.2
    assert frames.due("a", happened=False) is Due.DRAW, "a panel may still move"
    clock.now += 0.5
    assert frames.due("a", happened=False) is Due.NOTHING
    frames.forget()
    assert frames.due("a", happened=False) is Due.DRAW
    assert frames.due(None, happened=False) is Due.DRAW
    clock.now += 0.2
    assert frames.due(None, happened=False) is Due.DRAW


def test_a_picture_is_drawn_a_few_times_more_and_then_shown_again(clock):
    """Numbers that are read back late come into it; a window may have lost it."""
    frames, done = Unchanged(), []
    frames.due("a", happened=False)
    for _ in range(12):
        clock.now += 0.6
        done.append(frames.due("a", happened=False))
    assert done == [Due.NOTHING, Due.DRAW] * 3 + [Due.NOTHING, Due.SHOW] * 3
    assert frames.due("a", happened=True) is Due.DRAW


def drawn(session, frames=1):
    """Make frames; return how many of them drew the scene."""
    calls, real = [], session.scene.draw
    session.scene.draw = lambda *arguments: calls.append(1) or real(*arguments)
    turn(session, frames)
    del session.scene.draw
    return len(calls)


def rest(session, clock):
    """Let a paused run come to rest, so that its next frame is not drawn."""
    for _ in range(40):
        clock.now += 0.15
        if not drawn(session):
            return
    pytest.fail("every frame was drawn")


@pytest.mark.gpu
def test_a_paused_run_is_drawn_when_something_changes(at_the_picture, clock, monkeypatch):  # noqa: F811
    monkeypatch.setattr("valuescape.run.session._STILL_S", 0.0)
    session, display = at_the_picture("render.turn_deg_per_s=0")
    assert drawn(session, 2) == 2, "it runs"
    does(session, Key(Action.PAUSE))
    rest(session, clock)
    for change in (
        lambda: session.viewer.looks and display.events.append(Move(20, 30)),
        lambda: setattr(session.viewer, "layer", "density"),
        lambda: session.stage.scene.field_changed(),
        lambda: session.captions.refresh("something was said"),
        lambda: session.pace.go_to(session.engine.newest_tick + 1),
    ):
        change()
        assert drawn(session) == 1
        rest(session, clock)


@pytest.mark.gpu
def test_with_the_switch_off_every_frame_is_drawn(at_the_picture, clock):  # noqa: F811
    session, _ = at_the_picture("features.still_background=false")
    does(session, Key(Action.PAUSE))
    for _ in range(5):
        clock.now += 0.2
        assert drawn(session) == 1
