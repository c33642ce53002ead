"""Trainers and viewers that die, at any moment: what the others see, and what stays behind."""

import os
import signal
import time

import numpy as np
import pytest
from processes import descendants, wait_for_end, wait_until
from trainers import trainer, wait_for_name

from valuescape.publishing import place
from valuescape.publishing.segment import remove_if_dead
from valuescape.publishing.subscription import NotPublishedError, Subscription
from valuescape.sim.errors import UsageError

NAME = f"deaths-{os.getpid()}"

FLOODS = """
from pathlib import Path
from valuescape.publishing.layout import Said, Statement, to_json, views
from valuescape.publishing.plan import Moved, Plan
from valuescape.publishing.segment import Segment

segment = Segment(Statement(sys.argv[1], "pendulum", "", os.getpid(), "here", time.time()))
plan = Plan(pendulum_checkpoint(hidden=64), "flood")
slots = segment.grow(plan.networks)
arrays = [views(slot.weights, plan.networks.shapes) for slot in slots]
for each in arrays:
    plan.write_first(each)
print("begun", flush=True)
for number in range(1, int(sys.argv[2]) + 1):
    segment.begin()
    for name, array in arrays[segment.index].items():
        if not name.startswith("action."):
            array[...] = number
    segment.commit(number, to_json(Said({"number": number}, {})))
print("ended", flush=True)
sys.stdin.readline()
segment.close()
"""
"""Publishes as fast as it can: every number of update n is n."""

RUNS = """
run = publish(sys.argv[1], world="Pendulum-v1", history=None, quiet=True)
checkpoint = pendulum_checkpoint()
def train(seconds):
    end = time.monotonic() + seconds
    step = 0
    while time.monotonic() < end:
        step += 1
        run.update_from(checkpoint, step)
        time.sleep(0.001)
"""


def require_whole(update):
    """Fail unless all numbers of an update of `FLOODS` are its own."""
    mlps = (update.checkpoint.actor, *update.checkpoint.critics)
    found = np.concatenate(
        [part.ravel() for mlp in mlps for layer in mlp.layers for part in (layer.weight, layer.bias)]
    )
    assert (found == update.step).all()
    assert update.numbers == {"number": update.number}
    assert update.number == update.step


@pytest.mark.chaos
def test_no_update_is_torn_or_mixed_in_a_hundred_thousand():
    with trainer(FLOODS, NAME, "10000000") as process, subscribed(process) as subscription:
        seen = []
        while len(seen) < 1000 or seen[-1] < 100_000:
            update = subscription.newest()
            if update is not None:
                require_whole(update)
                seen.append(update.step)
    assert seen == sorted(set(seen))


@pytest.mark.chaos
def test_a_trainer_killed_in_the_middle_of_an_update_leaves_whole_ones():
    """Five times, at other moments; the name is taken again each time."""
    for attempt in range(5):
        with trainer(FLOODS, NAME, "10000000") as process:
            assert process.stdout.readline() == "begun\n"
            with Subscription(NAME) as subscription:
                wait_until(subscription.newest, 10, "an update")
                time.sleep(0.01 + attempt / 250)
                process.send_signal(signal.SIGKILL)
                wait_until(lambda: not subscription.alive, 5, "its death is noticed")
                last = subscription.newest()
                if last is not None:
                    require_whole(last)
                assert subscription.state == "died"


@pytest.mark.chaos
def test_a_killed_viewer_leaves_the_trainer_alone():
    watches = """
from valuescape.publishing.subscription import Subscription
with Subscription(sys.argv[1]) as subscription:
    print("attached", flush=True)
    while True:
        subscription.newest()
"""
    with trainer(FLOODS, NAME, "10000000") as process, subscribed(process) as mine:
        for _ in range(3):
            with trainer(watches, NAME) as viewer:
                assert viewer.stdout.readline() == "attached\n"
                viewer.send_signal(signal.SIGKILL)
                wait_for_end([viewer.pid], 5)
            require_progress(mine)
        assert mine.state == "training"


def subscribed(process):
    """Return a subscription to `FLOODS`, which has begun or is about to."""
    assert process.stdout.readline() == "begun\n"
    return Subscription(NAME)


def require_progress(subscription):
    """Fail unless updates go on."""
    steps = []

    def goes_on():  # a reader may meet the middle of an update, and has none then
        if update := subscription.newest():
            steps.append(update.step)
        return steps and steps[-1] > steps[0] + 100

    wait_until(goes_on, 10, "updates go on")


@pytest.mark.chaos
def test_of_trainers_with_one_name_one_is_published():
    with trainer(RUNS + "train(60)", NAME) as first:
        wait_for_name(NAME)
        with trainer(RUNS, NAME) as second, trainer(RUNS, NAME) as third:
            said = f"{NAME}: a training run of that name is being published by process {first.pid}, since"
            for each in (second, third):
                assert said in each.communicate()[1]
        with Subscription(NAME) as subscription:
            assert subscription.statement.pid == first.pid


@pytest.mark.chaos
def test_a_race_for_the_name_of_a_dead_trainer_has_one_winner():
    with trainer(RUNS + "train(60)", NAME) as dead:
        wait_for_name(NAME)
    started = [trainer(RUNS + "print('mine', flush=True); train(60)", NAME) for _ in range(4)]
    processes = [each.__enter__() for each in started]
    try:
        wait_until(lambda: sum(each.poll() is not None for each in processes) == 3, 60, "three give up")
        winner = next(each for each in processes if each.poll() is None)
        assert winner.stdout.readline() == "mine\n"
        with Subscription(NAME) as subscription:
            assert subscription.statement.pid == winner.pid != dead.pid
    finally:
        for each in started:
            each.__exit__(None, None, None)


FORKS = (
    RUNS
    + """
run.update_from(checkpoint, 1)
if os.fork() == 0:
    time.sleep(0.1)  # a second update at once would be postponed in any case
    run.update_from(checkpoint, 1000)
    run.close()
    if sys.argv[2] == "exits":
        sys.exit(0)  # with the handlers that Python calls at its end
    time.sleep(60)
    os._exit(0)
print("forked", flush=True)
if sys.argv[2] == "exits":
    os.wait()
print("waited", flush=True)
time.sleep(60)
"""
)


def test_a_forked_child_neither_writes_nor_removes_what_its_parent_publishes():
    with trainer(FORKS, NAME, "exits") as process:
        process.stdout.readline()
        assert process.stdout.readline() == "waited\n"
        with Subscription(NAME) as subscription:
            assert (subscription.newest().step, subscription.state) == (1, "training")


@pytest.mark.chaos
def test_a_trainers_death_is_seen_while_its_forked_child_lives():
    with trainer(FORKS, NAME, "lives") as process:
        process.stdout.readline()
        assert process.stdout.readline() == "waited\n"
        children = descendants(process.pid)
        assert len(children) == 1
        try:
            with Subscription(NAME) as subscription:
                assert subscription.alive
                process.send_signal(signal.SIGKILL)
                wait_until(lambda: subscription.state == "died", 5, "its death is noticed")
                with trainer(RUNS + "train(60)", NAME):
                    wait_until(lambda: _is_published(NAME), 30, "the name is free, though the child lives")
        finally:
            for child in children:
                os.kill(child, signal.SIGKILL)


def _is_published(name):
    try:
        with Subscription(name):
            return True
    except UsageError:
        return False


def test_a_dead_trainer_of_long_ago_leaves_room_for_those_of_other_names():
    """Whose own name may never be used again, as it has a date in it."""
    with trainer(RUNS + "train(60)", NAME):
        wait_for_name(NAME)
    with trainer(RUNS + "train(60)", f"{NAME}-2"):
        wait_for_name(f"{NAME}-2")
    assert place.path_of(NAME).exists()
    os.utime(place.path_of(NAME), (0, 0))
    with trainer(RUNS, f"{NAME}-3") as process:
        process.communicate(timeout=30)
    assert not place.path_of(NAME).exists()
    assert place.path_of(f"{NAME}-2").exists()
    assert remove_if_dead(place.path_of(f"{NAME}-2"))


@pytest.mark.parametrize(
    ("ends", "code"),
    [("train(0.02)", 0), ("train(0.02); raise ValueError", 1), ("train(60)", -signal.SIGINT)],
)
def test_nothing_stays_of_a_run_that_ends(ends, code):
    """In order, by an exception, by Ctrl-C."""
    with trainer(RUNS + ends, NAME) as process:
        if code == -signal.SIGINT:
            wait_for_name(NAME)
            process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        assert process.returncode == code
    with pytest.raises(NotPublishedError):
        Subscription(NAME)
    assert not list(place.folder().glob(f"*{NAME}*"))
