"""A folder of checkpoints is followed: what is complete is news, and nothing else is."""

import contextlib
import os
import shutil
import threading
import time
from dataclasses import replace

import pytest
from processes import wait_until
from training_runs import made, save

from valuescape.attached import folder as module
from valuescape.attached.folder import FollowedFolder
from valuescape.attached.history import History
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats import native
from valuescape.sim.policy.network import Training
from valuescape.sim.worlds import make_world


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    """Look more often, and wait less."""
    monkeypatch.setattr(module, "_LOOK_S", 0.02)
    monkeypatch.setattr(module, "_QUIET_S", 0.1)
    monkeypatch.setattr(module, "_BUSY_S", 0.5)
    monkeypatch.setattr(module, "_GIVE_UP_S", 0.5)


@pytest.fixture
def followed(tmp_path):
    """Return the source of a folder that has the checkpoint after 100 steps."""
    logs = tmp_path / "logs"
    logs.mkdir()
    save(logs, 100)
    history = History(logs)
    history.look()
    source = FollowedFolder(history)
    source.begin(make_world("point_mass"))
    yield source
    source.close()


def awaited(source):
    """Return the next news."""
    found = []
    wait_until(lambda: found.append(source.newest()) or found[-1] is not None, 5, "news come")
    return found[-1]


def test_what_is_there_at_first_is_no_news_and_what_is_saved_later_is(followed):
    time.sleep(0.3)
    assert followed.newest() is None
    save(followed.history.folder, 300)
    save(followed.history.folder, 200)  # fewer steps, although it came last
    news = awaited(followed)
    assert (news.steps, news.checkpoint.critics[0].layers[0].bias[0]) == (300, pytest.approx(0.3))
    assert [each.steps for each in followed.history.files().saved] == [100, 200, 300]


def test_a_file_that_is_written_in_parts_is_taken_once_it_is_complete(followed, tmp_path):
    whole = save(tmp_path, 400).read_bytes()
    path = followed.history.folder / "model_400_steps.safetensors"
    path.write_bytes(whole[: len(whole) // 2])
    time.sleep(0.3)
    assert followed.newest() is None
    path.write_bytes(whole)
    assert awaited(followed).steps == 400
    assert followed.said() == []


@contextlib.contextmanager
def written_all_the_time(path):
    """Have a file grow, more often than a folder has to rest."""
    over = threading.Event()

    def write():
        with path.open("ab", buffering=0) as file:
            while not over.wait(0.02):
                file.write(b"1.0,200,0.5\n")

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize("other", ["monitor.csv", "model_9_steps.zip"])
def test_a_file_beside_them_that_is_written_all_the_time_does_not_hold_checkpoints_up(followed, other):
    """As Stable-Baselines3's Monitor does, and a large checkpoint on a slow disk."""
    with written_all_the_time(followed.history.folder / other):
        save(followed.history.folder, 300)
        assert awaited(followed).steps == 300


def test_a_file_that_stays_damaged_is_named_and_the_last_good_one_stays(followed):
    (followed.history.folder / "model_500_steps.safetensors").write_bytes(b"\0" * 64)
    said = []
    wait_until(lambda: said.extend(followed.said()) or said, 5, "it is said")
    assert "model_500_steps.safetensors" in said[0]
    assert followed.newest() is None
    save(followed.history.folder, 600)
    assert awaited(followed).steps == 600


def test_a_checkpoint_of_nan_is_named_and_the_last_good_one_stays(followed, tmp_path):
    path = save(tmp_path, 700)
    content = path.read_bytes()
    bias = made(700).critics[0].layers[0].bias.tobytes()
    assert content.count(bias) == 1
    path.write_bytes(content.replace(bias, b"\0\0\xc0\x7f"))
    shutil.move(path, followed.history.folder)
    said = []
    wait_until(lambda: said.extend(followed.said()) or said, 5, "it is said")
    assert "model_700_steps.safetensors" in said[0]
    assert followed.newest() is None


def test_a_file_that_is_written_again_is_news(followed):
    path = save(followed.history.folder, 100, level=7.0)
    os.utime(path, (time.time() + 5,) * 2)
    assert awaited(followed).checkpoint.critics[0].layers[0].bias[0] == 7.0


def test_versions_of_one_file_without_steps_are_counted(tmp_path):
    """As libraries leave it that save under one name again and again."""

    def write(level):
        native.save(replace(made(1, level=level), training=Training()), tmp_path / "agent.safetensors")

    write(1.0)
    history = History(tmp_path)
    assert [each.steps for each in history.look().saved] == [1]
    source = FollowedFolder(history)
    source.begin(make_world("point_mass"))
    try:
        for version in (2, 3):
            write(float(version))
            news = awaited(source)
            assert (news.steps, news.checkpoint.critics[0].layers[0].bias[0]) == (version, version)
    finally:
        source.close()


def test_a_folder_that_goes_away_is_waited_for(followed):
    elsewhere = followed.history.folder.rename(followed.history.folder.parent / "moved")
    wait_until(lambda: not followed.alive, 5, "it is gone")
    assert "is gone; the picture stays" in followed.said()[0]
    elsewhere.rename(followed.history.folder)
    wait_until(lambda: followed.alive, 5, "it is there")
    save(followed.history.folder, 800)
    assert awaited(followed).steps == 800
    assert "is there again" in followed.said()[0]


def test_the_history_has_files_and_updates_in_memory_and_lets_the_oldest_go(tmp_path, monkeypatch):
    monkeypatch.setattr("valuescape.attached.history._HELD_BYTES", 1)
    history = History(tmp_path)
    with pytest.raises(UsageError, match="no checkpoints yet"):
        history.files()
    save(tmp_path, 100)
    history.look()
    for steps in range(200, 1300, 100):
        history.hold(steps, made(steps))
    assert [each.steps for each in history.files().saved] == [100, *range(500, 1300, 100)]
    assert history.held(1200).training.timesteps == 1200
    assert (history.held(100), history.held(200)) == (None, None)
