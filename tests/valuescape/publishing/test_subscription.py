"""What a viewer reads of a training run in another process, and what it is told when there is none."""

import os
import signal
import time

import numpy as np
import pytest
from processes import wait_until
from trainers import pendulum_checkpoint, trainer, wait_for_name

from valuescape.publishing import place
from valuescape.publishing.subscription import NotPublishedError, Subscription, published
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats.native import metadata_of, tensors_of
from valuescape.sim.policy.training_files import training_files

NAME = f"test-{os.getpid()}"

SENDS = """
run = publish(sys.argv[1], world="Pendulum-v1", history=sys.argv[2] or None, quiet=True)
for step in range(int(sys.argv[3])):
    run._outlet._due = 0.0  # none is too soon
    run.update_from(pendulum_checkpoint(step), 100 * step, mean_return=-1.5 * step)
    time.sleep(0.02)
if sys.argv[4] == "stay":
    time.sleep(60)
"""


def awaited(subscription, step):
    """Return the update of `step`, which is the newest sooner or later."""
    found = []

    def there():
        found.append(subscription.newest())
        return found[-1] is not None and found[-1].step == step

    wait_until(there, 20, f"the update of step {step}")
    return found[-1]


def test_a_viewer_reads_every_number_of_another_process(tmp_path):
    """It is told once of each update, when the run ends, and finds the history as a training run."""
    with trainer(SENDS, NAME, str(tmp_path), "3", "end") as process:
        wait_for_name(NAME)
        with Subscription(NAME) as subscription:
            assert (subscription.world, subscription.history) == ("pendulum", tmp_path)
            assert [each.pid for each in published() if each.name == NAME] == [process.pid]
            last = awaited(subscription, 200)
            assert subscription.newest() is None
            wait_until(lambda: not subscription.alive, 20, "the run ends")
            assert subscription.state == "finished"
    expected = pendulum_checkpoint(2)
    assert metadata_of(last.checkpoint)["actor"] == metadata_of(expected)["actor"]
    for name, tensor in tensors_of(expected, tmp_path).items():
        assert np.array_equal(tensors_of(last.checkpoint, tmp_path)[name], tensor)
    assert last.numbers == {"mean_return": -3.0}
    assert last.checkpoint.training.timesteps == 200
    assert 0 < time.monotonic_ns() - last.sent_ns < 60e9
    assert training_files(tmp_path).saved[-1].steps == 200
    assert not place.path_of(NAME).exists()


def test_a_killed_trainer_is_noticed_and_its_name_is_free_again(tmp_path):
    with trainer(SENDS, NAME, str(tmp_path), "1", "stay") as process:
        wait_for_name(NAME)
        with Subscription(NAME) as subscription:
            awaited(subscription, 0)
            with trainer(SENDS, NAME, "", "1", "stay") as second:
                assert f"{NAME}: a training run of that name is being published" in second.communicate()[1]
            assert subscription.state == "training"
            process.send_signal(signal.SIGKILL)
            wait_until(lambda: subscription.state == "died", 5, "its death is noticed")
    with pytest.raises(UsageError, match=rf"was killed.*\n.*valuescape run {tmp_path}"):
        Subscription(NAME)
    with trainer(SENDS, NAME, "", "3", "stay"), _reopened(NAME) as subscription:
        awaited(subscription, 200)


def _reopened(name):
    """Return a subscription to the run that took the name of a dead one."""
    found = []

    def there():
        try:
            found.append(Subscription(name))
        except UsageError:
            return False
        return True

    wait_until(there, 30, "the name is taken again")
    return found[-1]


def test_names_that_are_none_and_runs_that_are_not_there():
    with pytest.raises(NotPublishedError, match="no training run of that name is published"):
        Subscription(NAME)
    for name in ("", "../x", "a/b", ".hidden", "x" * 101, 3):
        with pytest.raises(UsageError, match="the name of a training run is"):
            Subscription(name)
