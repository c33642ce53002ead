"""Messages are escaped and cut to fit, whatever value they show."""

import pytest

from valuescape.sim.errors import LINE_LENGTH, LINES, UsageError, cut, escaped, lines_of, shown

ROOM = LINE_LENGTH - len("valuescape: ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pendulum: ±5 … θ", "pendulum: ±5 … θ"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("two\nlines\r\t", r"two\nlines\r\t"),
        ("\x9b31m\x7f\0", r"\x9b31m\x7f\x00"),
        ("\u202eabc\u2066\u2028", r"\u202eabc\u2066\u2028"),
        ("caf\udce9", r"caf\udce9"),
    ],
    ids=["plain", "escape", "lines", "controls", "directions", "surrogate"],
)
def test_what_is_not_printable_is_escaped(text, said):
    assert escaped(text) == said
    assert str(UsageError(text)) == said
    assert str(UsageError("x", text)) == f"x\n  {said}"


def test_a_long_text_lacks_its_middle():
    assert cut("abcdefghij", 10) == "abcdefghij"
    assert cut("abcdefghijk", 10) == "abcde…hijk"
    assert len(cut("x" * 999, 10)) == 10


@pytest.mark.parametrize("message", ["m", "m" * 150, "word " * 60, "m" * 5000, "word " * 900], ids=len)
@pytest.mark.parametrize("hint", ["", "h", "hint " * 60, "h" * 5000], ids=len)
def test_a_message_fits_and_keeps_both_its_ends(message, hint):
    error = UsageError(f"begin {message} end", hint and f"begin {hint} finish")
    lines = lines_of(str(error))
    assert 1 <= len(lines) <= LINES
    assert max(map(len, lines)) <= ROOM
    assert lines[0].startswith("begin")
    assert any(line.endswith("end") for line in lines)
    assert not hint or lines[-1].endswith("finish")


def test_what_fits_is_left_as_it_is():
    assert lines_of(str(UsageError("a  b", "c  d"))) == ["a  b", "  c  d"]
    assert lines_of("x" * ROOM) == ["x" * ROOM]
    assert lines_of("x" * (ROOM - 1) + " y") == ["x" * (ROOM - 1), "  y"]


def test_a_traceback_keeps_its_lines_and_shows_what_is_in_them():
    text = "failed\nTraceback (most recent call last):\n  File\nValueError: \x1b[31m" + "x" * 300
    lines = lines_of(text)
    assert len(lines) == 4
    assert lines[3].startswith(r"ValueError: \x1b[31mxxx")
    assert len(lines[3]) == ROOM


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.5, "0.5"),
        (True, "True"),
        ("auto", "'auto'"),
        (2**64, "18446744073709551616"),
        (10**5000, "a whole number of 5,000 digits"),
        ([1, {"a": None}], "[1, {'a': None}]"),
        ("\x1b", r"'\x1b'"),
    ],
    ids=["number", "truth", "text", "64 bits", "digits", "tree", "escape"],
)
def test_a_value_is_shown_as_python_writes_it_if_that_is_short(value, said):
    assert shown(value) == said


def test_a_value_of_any_size_and_depth_is_shown_shortly():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    for value in (deep, "x" * 10**6, list(range(10**5)), dict.fromkeys(range(50), deep), [10**9999]):
        assert len(shown(value)) <= 180
        assert "…" in shown(value) or "..." in shown(value) or "digits" in shown(value)
