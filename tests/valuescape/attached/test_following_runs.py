"""A run that follows a training run: updates act and are shown, one may look back, and numbers come."""

from threading import Event
from types import SimpleNamespace

import numpy as np
import pytest
from hands import Hands, does, turn
from processes import running, wait_until
from training_runs import Sender, made, save

from valuescape.attached import follower as module
from valuescape.attached.follower import TrainingFollower, furthest
from valuescape.attached.history import History
from valuescape.attached.judging import Judge, Judged
from valuescape.attached.numbers import TrainingNumbers
from valuescape.render.displays.events import Action, Key
from valuescape.run.length import RunLength
from valuescape.run.outputs import Outputs
from valuescape.run.session import Session
from valuescape.sim.config.files import load_config
from valuescape.sim.insight.metrics import Estimate
from valuescape.training_run import follow, with_steps

BACK, ON, LIVE = Key(Action.CHECKPOINT, -1), Key(Action.CHECKPOINT), Key(Action.LIVE)
SETTINGS = [
    *("world.name=point_mass", "agents.count=40", "workers.count=0", "run.record=false"),
    *("heatmap.resolution=8", "heatmap.density_resolution=8", "render.mesh_resolution=8", "trails.length=4"),
    *("features.simd=false", "features.async_physics=false"),
]


class Judging:
    """In the place of a judge: judges at once."""

    def __init__(self, config):
        self.idle, self.failed, self.asked = True, "", []

    def ask(self, steps, load):
        self.asked.append(steps)
        level = float(load().critics[0].layers[0].bias[0])
        self.answers = Judged(steps, {"mean_return": Estimate(level, level - 1, level + 1)})

    def judged(self):
        answers, self.answers = getattr(self, "answers", None), None
        return [answers] if answers else []

    def begin_again(self):
        self.answers = None

    def close(self):
        self.closed = True


@pytest.fixture
def watched(tmp_path, monkeypatch):
    """Return a session that follows a training run with checkpoints after 1,000 and 2,000 steps."""
    monkeypatch.setattr(module, "Judge", Judging)
    logs = tmp_path / "logs"
    logs.mkdir()
    for steps in (1000, 2000):
        save(logs, steps)
    history, sender = History(logs), Sender()
    history.look()
    with follow(logs, history):
        config = with_steps(load_config(None, [*SETTINGS, f'policy.checkpoint="{logs}"']))
        outputs = Outputs(tmp_path / "out")
        with Session(config, RunLength(), outputs, headless=True, display=Hands()) as session:
            session.pace.start()
            with TrainingFollower(session, sender, history) as follower:
                turn(session, 2)
                yield SimpleNamespace(session=session, follower=follower, sender=sender, history=history)
    assert sender.closed


def shown(session):
    """Return the value that the landscape shows, and the steps that captions name."""
    field = session.stage.landscape.field.read()
    assert np.ptp(field) < 1e-5
    return round(float(field[0, 0]), 3), session.stage.place.own_steps


def test_an_update_acts_and_is_shown_with_the_next_frame(watched):
    session = watched.session
    assert shown(session) == (2.0, 2000)
    newest = watched.sender.send(3000)
    turn(session)
    assert session.engine.checkpoint is newest
    assert session.engine.generation == 0
    assert shown(session) == (3.0, 3000)
    assert session.stage.subject.value_ends is None  # the scale follows what is shown
    assert "3,000 steps, live" in session.annotations().heading.left[1]


def test_networks_of_other_shapes_are_shown_too(watched):
    newest = watched.sender.send(3000, hidden=(8,))
    turn(watched.session, 3)
    assert watched.session.engine.checkpoint is newest
    assert watched.session.engine.generation == 1
    assert shown(watched.session) == (3.0, 3000)


def test_one_may_look_back_and_go_on_with_the_newest(watched):
    """Updates are kept meanwhile; none takes the place of what a person chose."""
    session = watched.session
    does(session, BACK, frames=2)
    assert shown(session) == (1.0, 1000)
    watched.sender.send(3000)
    watched.sender.alive = False
    turn(session, 2)
    assert shown(session) == (1.0, 1000)
    assert session.state().training.newest == 3000
    assert "a look back" in session.annotations().heading.left[1]
    does(session, LIVE, frames=2)
    assert shown(session) == (3.0, 3000)
    assert "no more updates" in session.annotations().heading.left[1]


def test_the_newest_of_the_history_is_live_again(watched):
    session = watched.session
    does(session, BACK, frames=2)
    does(session, ON, frames=2)
    watched.sender.send(3000)
    turn(session, 2)
    assert shown(session) == (3.0, 3000)


def test_numbers_are_drawn_over_the_steps_and_kept_in_the_report(watched):
    session = watched.session
    for steps in (3000, 4000):
        watched.sender.send(steps)
        turn(session, 8)
    (card,) = session.annotations().cards
    (curve,) = card.curves
    assert card.title == "run · live"
    assert [point[:2] for point in curve.points] == [(1000.0 * i, float(i)) for i in range(1, 5)]
    assert curve.dots == ((3000.0, -3000.0), (4000.0, -4000.0))
    assert curve.said.startswith("4.0")
    report = watched.follower.report()
    assert [each["steps"] for each in report["numbers"]] == [1000, 2000, 3000, 4000]
    assert report["numbers"][2]["published"] == {"mean_return": -3000.0}
    assert (report["updates"], report["updates_shown"]) == (2, 2)


def test_fewer_steps_than_before_are_another_training_run(watched):
    watched.sender.send(3000)
    turn(watched.session, 4)
    watched.sender.send(10)
    turn(watched.session, 4)
    assert shown(watched.session) == (0.01, 10)
    assert [each["steps"] for each in watched.follower.report()["numbers"]] == [10]


def test_a_restart_keeps_the_update_that_acts_though_it_is_in_no_file(watched):
    newest = watched.sender.send(3000)
    turn(watched.session, 2)
    assert watched.session.restart({"agents.count": 20}) == ""
    assert watched.session.engine.checkpoint is newest
    watched.sender.send(4000)
    turn(watched.session, 2)
    assert shown(watched.session) == (4.0, 4000)


def test_what_became_of_the_trainer_is_said(watched):
    watched.sender.sentences = ["run: the trainer was killed"]
    turn(watched.session)
    assert watched.session.captions.notice == "run: the trainer was killed"


def test_a_process_judges_checkpoints_by_episodes_and_ends():
    """Agents of this policy stand still, so V - G is the level less what standing there costs."""
    judge = Judge(load_config(None, ["world.name=point_mass", "run.seed=3"]))
    try:
        found = []
        for steps in (1000, 2000):
            judge.ask(steps, lambda steps=steps: made(steps, level=float(steps)))
            wait_until(lambda: found.extend(judge.judged()) or judge.idle, 60, "it is judged")
        one, two = (each.numbers for each in found)
        pid = judge._process.pid
    finally:
        judge.close()
    assert one["mean_return"].low <= one["mean_return"].value <= one["mean_return"].high
    assert two["q_bias"].value - one["q_bias"].value == pytest.approx(1000, rel=1e-3)
    assert not running(pid)


def test_what_is_judged_when_another_training_run_begins_is_forgotten():
    judge, begun, goes_on = Judge(load_config(None, ["world.name=point_mass"])), Event(), Event()

    def load():
        begun.set()
        goes_on.wait(10)
        return made(1000)

    try:
        judge.ask(1000, load)
        assert begun.wait(10)
        judge.ask(2000, lambda: made(2000))
        judge.begin_again()
        judge.ask(10, lambda: made(10))
        goes_on.set()
        wait_until(lambda: judge.idle, 60, "it is judged")
        assert [each.steps for each in judge.judged()] == [10]
    finally:
        goes_on.set()
        judge.close()


def test_the_checkpoint_furthest_from_those_that_were_judged_is_judged_next():
    rng = np.random.default_rng(0)
    for count in (1, 2, 7, 60):
        judged = rng.random(count) < 0.2
        while not judged.all():
            chosen = furthest(judged)
            known, left = np.flatnonzero(judged), np.flatnonzero(~judged)
            assert chosen == max(left, key=lambda i: (min(abs(known - i), default=np.inf), i))
            judged[chosen] = True
        assert furthest(judged) is None


def test_a_long_training_run_takes_bounded_memory_and_nothing_is_judged_twice():
    numbers = TrainingNumbers()
    for steps in range(10_000):
        numbers.note_published(steps, {"mean_return": float(steps)})
        numbers.note(Judged(steps, {"mean_return": Estimate(steps, steps, steps)}))
    listed = [each["steps"] for each in numbers.report()]
    assert listed[0] == 0
    assert listed[-1] == 9999
    assert 1000 <= len(listed) <= 2000
    assert max(np.diff(listed)) <= 40
    assert all(map(numbers.has, range(10_000)))
    (curve,) = numbers.curves()
    assert all(steps == value for steps, value, *_ in curve.points)


def test_what_cannot_be_judged_is_said():
    judge = Judge(load_config(None, ["world.name=flock"]))
    try:
        judge.ask(1, lambda: made(1))
        wait_until(lambda: judge.failed, 60, "it is said")
    finally:
        judge.close()
    assert "cannot live alone" in judge.failed
