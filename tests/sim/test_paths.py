"""Files that the user names."""

import os
import socket
from pathlib import Path

import pytest

from valuescape.sim.errors import UsageError
from valuescape.sim.paths import (
    named_path,
    open_plain,
    read_plain,
    reading,
    require_plain,
    require_replaceable,
    why_not_plain,
)


def kinds(folder):
    """Return a path of each kind that is no plain file, with the name of the kind."""
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket"))
    (folder / "link").symlink_to(folder / "pipe")
    named = {"pipe": "a pipe", "link": "a pipe", "socket": "a socket", ".": "a folder"}
    return {folder / name: kind for name, kind in named.items()} | {Path("/dev/zero"): "a device"}


def test_what_is_no_plain_file_is_named_and_not_opened(tmp_path):
    for path, kind in kinds(tmp_path).items():
        said = f"is {kind}, expected a file"
        assert why_not_plain(path) == said
        with pytest.raises(UsageError, match=said):
            read_plain(path, 10)
        with pytest.raises(UsageError, match=f"--json .*{said}"):
            require_replaceable(path, "--json")


def test_what_takes_the_place_of_a_file_meanwhile_is_found_out(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setattr("valuescape.sim.paths.require_plain", lambda *_: None)
    with pytest.raises(UsageError, match="is a pipe"), open_plain(tmp_path / "pipe"):
        pass


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("none", "there is no such file"),
        ("file/below", "there is no such file"),
        ("x" * 300, "cannot be read (File name too long)"),
        ("a/" * 3000, "cannot be read (File name too long)"),
        ("zero\0", "no file has a name with a zero byte in it"),
        ("loop", "cannot be read (Too many levels of symbolic links)"),
    ],
    ids=["none", "below a file", "long name", "long path", "zero", "loop"],
)
def test_why_there_is_no_file_is_said(tmp_path, name, said):
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert why_not_plain(tmp_path / name) == said
    with pytest.raises(UsageError) as refusal:
        require_plain(tmp_path / name, "hint", where="--world-file x")
    assert refusal.value.args == (f"--world-file x: {said}",)


def test_a_file_is_read_up_to_its_bound(tmp_path):
    (tmp_path / "file").write_bytes(b"12345")
    assert read_plain(tmp_path / "file", 5) == b"12345"
    with pytest.raises(UsageError, match="is larger than"):
        read_plain(tmp_path / "file", 4)


def test_a_new_file_may_be_written_and_an_impossible_one_not(tmp_path):
    require_replaceable(tmp_path / "new", "--out")
    (tmp_path / "old").touch()
    require_replaceable(tmp_path / "old", "--out")
    for name in ("x" * 300, "a\0"):
        with pytest.raises(UsageError, match="cannot be written"):
            require_replaceable(tmp_path / name, "--out")


def test_a_home_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    assert named_path("~/a") == Path("/home/me/a")
    assert named_path("a~b") == Path("a~b")
    with pytest.raises(UsageError, match="x: the home folder of ~nosuchuser is not known"):
        named_path("~nosuchuser/x", "x")
    with pytest.raises(UsageError, match="zero byte"):
        named_path("a\0")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(5, "Input/output error"), "a.x: cannot be read (Input/output error)"),
        (RecursionError("deep"), "a.x: cannot be read as a recording: it is nested too deeply"),
        (KeyError("k"), "a.x: cannot be read as a recording (KeyError: 'k')"),
        (MemoryError(), "a.x: cannot be read as a recording (MemoryError)"),
        (UsageError("as it is"), "as it is"),
    ],
)
def test_whatever_a_reader_raises_becomes_a_sentence(error, said):
    with pytest.raises(UsageError) as refusal, reading(Path("a.x"), "a recording"):
        raise error
    assert str(refusal.value) == said


def test_an_interrupt_is_no_fault_of_the_file():
    with pytest.raises(KeyboardInterrupt), reading(Path("a.x"), "a recording"):
        raise KeyboardInterrupt
