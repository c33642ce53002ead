"""Files that are watched while a run goes on, saved as editors save them."""

import os
import threading
import time
from pathlib import Path

import pytest

from valuescape.run.watching import NotWatched, Saved, Watcher, content_of, unfinished

BEFORE = b"[agents]\ncount = 5\n\n[render]\nglow = 0.5\n"
AFTER = b"[agents]\ncount = 7\n\n[render]\nglow = 0.25\n"
SHADER = Path("x.comp")
LONG_S = 8.0
"""Longer than any wait should be."""


@pytest.fixture
def watched(tmp_path):
    """A file and a watcher that has seen it."""
    path, watcher = tmp_path / "mine.toml", Watcher()
    path.write_bytes(BEFORE)
    watcher.watch({path: BEFORE})
    time.sleep(0.3)
    yield path, watcher
    watcher.close()
    assert "valuescape-files" not in [each.name for each in threading.enumerate()]


def news(watcher, count=1):
    """Wait for so many pieces of news, and a moment more."""
    found, end = [], time.monotonic() + LONG_S
    while len(found) < count and time.monotonic() < end:
        found += watcher.news()
        time.sleep(0.01)
    time.sleep(0.3)
    return [*found, *watcher.news()]


def in_place(path):
    path.write_bytes(AFTER)


def by_rename(path):
    other = path.with_name(".mine.toml.swp")
    other.write_bytes(AFTER)
    other.rename(path)


def in_two_steps(path):
    """Cut off within a line, then whole."""
    path.write_bytes(AFTER[:-6])
    time.sleep(0.4)
    path.write_bytes(AFTER)


def cut_between_lines(path):
    """What is there first is valid, and lacks a section."""
    path.write_bytes(AFTER[: AFTER.index(b"[render]")])
    time.sleep(0.4)
    path.write_bytes(AFTER)


def after_a_moment_empty(path):
    path.write_bytes(b"")
    time.sleep(0.4)
    path.write_bytes(AFTER)


def with_a_copy_kept(path):
    """The file is moved away, and a new one written."""
    path.rename(path.with_suffix(".bak"))
    time.sleep(0.4)
    path.write_bytes(AFTER)


@pytest.mark.parametrize(
    "save", [in_place, by_rename, in_two_steps, cut_between_lines, after_a_moment_empty, with_a_copy_kept]
)
def test_a_file_is_told_once_however_it_was_saved(watched, save):
    path, watcher = watched
    save(path)
    assert news(watcher) == [Saved(path, AFTER)]


def test_what_stays_unfinished_is_told_in_the_end(watched):
    path, watcher = watched
    path.write_bytes(b"[agents]\ncount = ")
    assert news(watcher) == [Saved(path, b"[agents]\ncount = ")]
    path.unlink()
    assert news(watcher) == [Saved(path, None)]


def test_a_file_that_is_written_again_as_it_was_is_no_news(watched):
    path, watcher = watched
    path.write_bytes(AFTER)
    path.write_bytes(BEFORE)
    (path.parent / "other.toml").write_bytes(AFTER)
    time.sleep(0.5)
    assert watcher.news() == []


def test_a_change_from_before_the_watching_began_is_told(tmp_path):
    path, watcher = tmp_path / "mine.toml", Watcher()
    path.write_bytes(AFTER)
    watcher.watch({path: BEFORE})
    try:
        assert news(watcher) == [Saved(path, AFTER)]
    finally:
        watcher.close()


def test_the_target_of_a_link_is_watched(tmp_path):
    folder, link, watcher = tmp_path / "far", tmp_path / "mine.toml", Watcher()
    folder.mkdir()
    (folder / "real.toml").write_bytes(BEFORE)
    link.symlink_to(folder / "real.toml")
    watcher.watch({link: BEFORE})
    try:
        time.sleep(0.3)
        (folder / "real.toml").write_bytes(AFTER)
        assert news(watcher) == [Saved(link, AFTER)]
    finally:
        watcher.close()


def test_no_files_take_no_thread():
    watcher = Watcher()
    watcher.watch({})
    assert not watcher.running
    assert watcher.news() == []
    watcher.close()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(28, "No space left on device"), "fs.inotify.max_user_watches"),
        (OSError(24, "Too many open files"), "WATCHFILES_FORCE_POLLING=1"),
        (ImportError("No module named 'watchfiles'"), "pip install watchfiles"),
    ],
)
def test_what_keeps_files_from_being_watched_is_told_once(tmp_path, monkeypatch, error, said):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr("watchfiles.watch", fail)
    watcher = Watcher()
    watcher.watch({tmp_path / "mine.toml": BEFORE})
    (told,) = news(watcher)
    assert isinstance(told, NotWatched)
    assert said in told.said
    assert not watcher.running
    watcher.close()


def test_shaders_and_files_without_a_last_line_end_are_finished():
    assert not unfinished(SHADER, b"void main() {\n}\n", b"void main() {\n  x;\n}\n")
    assert not unfinished(SHADER, b"a\n}", b"b\n}")
    assert unfinished(SHADER, b"a\n}\n", b"b\n")


def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.toml")
    reader = threading.Thread(target=content_of, args=(tmp_path / "pipe.toml",), daemon=True)
    reader.start()
    reader.join(LONG_S / 8)
    assert not reader.is_alive()
