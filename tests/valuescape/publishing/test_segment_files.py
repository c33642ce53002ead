"""Segments and folders that are not what they should be: whose, which layout, how large."""

import os
import time

import numpy as np
import pytest
from trainers import pendulum_checkpoint

from valuescape.publishing import place
from valuescape.publishing.layout import HEAD, SLOTS_AT, Statement
from valuescape.publishing.publisher import publish
from valuescape.publishing.segment import Segment
from valuescape.publishing.subscription import NotPublishedError, Subscription, published
from valuescape.sim.errors import UsageError


@pytest.fixture(autouse=True)
def memory(tmp_path, monkeypatch):
    """A folder in the place of /dev/shm."""
    monkeypatch.setattr(place, "MEMORY", tmp_path)
    return tmp_path


def begun(**options):
    return publish("run", world="pendulum", history=None, quiet=True, **options)


def test_only_the_user_can_look_into_the_folder_or_the_file(memory):
    """Even where the folder was made more open, or the umask is."""
    folder = memory / f"valuescape-{os.geteuid()}"
    folder.mkdir()
    folder.chmod(0o777)
    before = os.umask(0)
    try:
        with begun():
            assert oct(folder.stat().st_mode & 0o777) == oct(0o700)
            assert [oct(each.stat().st_mode & 0o777) for each in folder.iterdir()] == [oct(0o600)]
    finally:
        os.umask(before)
    assert not folder.exists()


def test_a_link_in_the_place_of_the_folder_is_refused(memory):
    (memory / "elsewhere").mkdir()
    place.folder().symlink_to(memory / "elsewhere")
    for call in (begun, published, lambda: Subscription("run")):
        with pytest.raises(UsageError, match="is no folder, but the place of training runs"):
            call()
    assert not list((memory / "elsewhere").iterdir())


@pytest.mark.skipif(os.geteuid() != 0, reason="files of another user need root")
def test_another_users_folder_and_file_are_refused_by_that_users_name():
    with begun():
        os.chown(place.path_of("run"), 12345, -1)
        with pytest.raises(UsageError, match=r"run: .*/run belongs to user number 12345"):
            Subscription("run")
    place.folder().mkdir(exist_ok=True)
    os.chown(place.folder(), 12345, -1)
    for call in (begun, published, lambda: Subscription("run")):
        with pytest.raises(UsageError, match="belongs to user number 12345, but is the place of your"):
            call()


def test_runs_of_others_are_hinted_at(memory):
    (memory / "valuescape-54321").mkdir()
    with begun(), pytest.raises(NotPublishedError, match=r"these are: run; user number 54321 may have some"):
        Subscription("other")


def test_another_layout_is_refused_with_both_numbers():
    segment = Segment(Statement("run", "pendulum", "", os.getpid(), "here", time.time()))
    segment._head["layout"] = 7
    with pytest.raises(UsageError, match="is published in layout 7, and this Valuescape reads layout 1"):
        Subscription("run")
    assert published() == []
    segment.close()


@pytest.mark.parametrize(
    "content",
    [b"", b"x" * 100, b"\0" * SLOTS_AT, os.urandom(SLOTS_AT)],
    ids=["empty", "short", "zeros", "random"],
)
def test_files_that_are_no_segments(content):
    place.make_folder()
    place.path_of("run").write_bytes(content)
    with pytest.raises(UsageError, match="is no training run's segment"):
        Subscription("run")


def test_sizes_that_the_file_does_not_have_are_not_believed():
    """Reading beyond the end of a mapped file would kill the reader."""
    with begun() as run:
        run.update_from(pendulum_checkpoint(), 1)
        path = place.path_of("run")
        os.truncate(path, SLOTS_AT)
        with pytest.raises(UsageError, match="is no training run's segment"):
            Subscription("run").newest()
        os.truncate(path, SLOTS_AT + 2**20)
        with path.open("r+b") as file:
            file.seek(HEAD.fields["floats"][1])
            file.write(np.uint64(2**40).tobytes())
        with Subscription("run") as subscription:
            assert subscription.newest() is None


def test_an_update_that_is_not_sound_is_passed_over():
    """The reason is kept; the next sound one is read."""
    arrays = pendulum_checkpoint()
    networks = [[(each.weight, each.bias) for each in mlp.layers] for mlp in (arrays.actor, *arrays.critics)]
    mean = np.zeros(3, np.float32)
    with begun(activation="tanh") as run, Subscription("run") as subscription:
        for step, deviation in enumerate((1, 0, 2)):
            run._outlet._due = 0.0
            run.update(*networks, step, obs_normalization=(mean, np.full(3, deviation, np.float32)))
            update = subscription.newest()
            assert (update is None) == (deviation == 0)
            assert ("standard deviations" in subscription.refused) == (deviation == 0)
        assert update.checkpoint.obs_normalization.std.tolist() == [2, 2, 2]
    assert subscription.state == "closed"
    assert not subscription.alive
    assert subscription.newest() is None


def test_a_full_memory_is_said_and_training_goes_on(caplog, monkeypatch):
    """At the start it is an error, and nothing stays; at the first update it is said."""

    def full(fd, offset, size):
        raise OSError(28, "No space left on device")

    run = begun()
    monkeypatch.setattr(os, "posix_fallocate", full)
    run.update_from(pendulum_checkpoint(), 1)
    run.update_from(pendulum_checkpoint(), 2)
    assert run.sent == 0
    assert [each.message for each in caplog.records if "there is no room for it" in each.message]
    run.close()
    with pytest.raises(UsageError, match="there is no room for it"):
        begun()
    assert not place.folder().exists() or not list(place.folder().iterdir())
