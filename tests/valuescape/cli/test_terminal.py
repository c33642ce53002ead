"""Output: brackets are printed, tables break no word, and any terminal or pipe can show it."""

import fcntl
import inspect
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import typing
from io import StringIO
from pathlib import Path

import pytest
import typer
from commands import SMALL, valuescape
from hypothesis import given
from hypothesis import strategies as st

from valuescape.cli.app import app
from valuescape.cli.run_result import health_rows
from valuescape.cli.terminal import UNLIMITED, Terminal, spelled
from valuescape.cli.text_table import say_rows
from valuescape.sim.config.files import load_config
from valuescape.studies.bench import Measured
from valuescape.studies.bench_report import bench_table
from valuescape.studies.breaking_point import Search, Trial
from valuescape.studies.confidence import Change
from valuescape.studies.impact import Worth
from valuescape.studies.impact_report import impact_table
from valuescape.studies.scale import WORKERS, Cell
from valuescape.studies.scale_report import scale_table
from valuescape.studies.scale_verdict import judge
from valuescape.studies.soak import Sample, SoakResult
from valuescape.studies.stress_report import soak_table, trials_table

COMMANDS = {each.name or each.callback.__name__: each.callback for each in app.registered_commands}
ASCII = {"LANG": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}


# --- Brackets ---------------------------------------------------------------------------------------------


def pressed(text):
    """Return a text without white space, to find it however it was wrapped."""
    return re.sub(r"\s", "", text)


def help_texts(function):
    """Yield the texts that a command's help has to show."""
    yield inspect.cleandoc(function.__doc__).replace("[bold]", "").replace("[/]", "")
    for hint in typing.get_type_hints(function, include_extras=True).values():
        for each in getattr(hint, "__metadata__", ()):
            if isinstance(each, typer.models.ParameterInfo) and each.help:
                yield each.help


@pytest.mark.parametrize("name", COMMANDS)
def test_help_shows_every_word_that_was_written(cli, monkeypatch, name):
    monkeypatch.setenv("COLUMNS", "1000")
    status, out, _ = cli(name, "--help")
    assert status == 0
    for text in help_texts(COMMANDS[name]):
        assert pressed(text) in pressed(out)


def test_words_in_brackets_are_among_them(cli):
    """Else the test above would prove little: these texts have brackets."""
    assert "the gain of each switch of [features]" in cli("impact", "--help")[1]
    assert "pip install 'valuescape[bench]'" in cli("bench", "--help")[1]
    assert "Start with  valuescape run demo" in cli("--help")[1]
    assert "each switch of [features]" in cli("--help")[1]


NAMED = ["[x]", "[bold]", "[/]", "[red]x[/red]", ":cat:", "[link=a]b", "\\[x]", "a[0]"]


@pytest.mark.parametrize("text", NAMED)
def test_a_message_shows_what_it_is_about(cli, text):
    status, out, errors = cli("run", text)
    assert (status, out) == (2, "")
    assert text in errors
    assert text in cli("settings", text)[2]
    assert text in cli("compare", f"{text}.json", "b.json")[2]


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"])))
def test_what_is_said_is_written_as_it_is(text):
    out = StringIO()
    Terminal(file=out).say(text)
    Terminal(file=out).print(text)
    assert out.getvalue() == f"{text}\n{text}\n"


@pytest.mark.parametrize("text", NAMED)
def test_what_is_printed_has_no_markup(text):
    out = StringIO()
    Terminal(file=out).print(text)
    assert out.getvalue() == f"{text}\n"


def test_tables_show_brackets_too():
    assert "[red]x" in table_of([["[bold]"], ["[red]x"]], 80)
    assert "[bold]" in table_of([["[bold]"], ["[red]x"]], 80)


# --- Tables -----------------------------------------------------------------------------------------------


def table_of(rows, width, keys=1, title=""):
    """Return the printed table."""
    out = StringIO()
    say_rows(Terminal(file=out, width=width), rows, keys=keys, title=title)
    return out.getvalue()


def words_of(text):
    return set(re.sub(r"[─-╿]", " ", text).split())


def scale_rows():
    rates = ([69_200.0, 70_000.0], [15.3, 16.0], [123.0, 120.0], [11.3, 12.1], 3005.0)
    cells = [Cell(workers, 100_000, {}, WORKERS, *rates) for workers in (0, 1, 2)]
    return scale_table(cells, judge(cells, 2), spread=True), 2


def stress_rows():
    broken = ("FPS standard deviation 5.88, limit 5", "frame time P95 (ms) 88.3, limit 50")
    trials = [Trial(128_000, (), 33.8, 46.8, 60.8, "crowd 31%"), Trial(256_000, broken, 3.4, 427.1, 57.0)]
    return trials_table(Search(trials), "% of agents, trails and ticks"), 1


def soak_rows():
    return soak_table(SoakResult([Sample(60.0, 467_000_000, 61, 46, 0, 11, 4, 50.8)])), 1


def impact_rows():
    changes = Change(34.1, 7.4), Change(-21.1, 7.2), "statistics", Change(-15.6, 2.5), Change(145.5, 0.3)
    worth = Worth("vectorized_heights", *changes, 1923, "PICTURES DIFFER (RMSE 12.34)")
    return impact_table([worth]), 1


def compare_rows():
    name = "100,000 agents, 2 workers, heatmap.resolution = 128: ticks/s"
    return [["", "before", "after", "change"], [name, "1,234,567.89", "1,234,567.88", "-0.01"]], 1


def bench_rows():
    return bench_table(
        [Measured("hand over", "an array, by way of a list", 10_000, 1923.6, 1097.42, 5, 0.855)]
    ), 3


def run_rows():
    figures = {"fps_std": 1.25, "frame_ms_p95": 1234.5, "memory_mb_per_min": None}
    others = {"gpu_queries_per_frame": 0.13, "draw_calls_per_frame": 4.0}
    return health_rows(figures | others, load_config(None)), 1


TABLES = [scale_rows, stress_rows, soak_rows, impact_rows, compare_rows, bench_rows, run_rows]


@pytest.mark.parametrize("width", [80, 60])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize("make", TABLES)
def test_tables_fit_and_break_no_word(make, encoding, width):
    rows, keys = make()
    rows = [[getattr(cell, "plain", cell) for cell in row] for row in rows]
    rows = [[spelled(cell, encoding) for cell in row] for row in rows]
    shown = table_of(rows, width, keys)
    assert max(map(len, shown.splitlines())) <= width
    assert words_of(" ".join(cell for row in rows for cell in row)) <= words_of(shown)


@pytest.mark.parametrize("make", TABLES)
def test_a_figure_stays_with_its_unit_and_its_error(make):
    rows, keys = make()
    shown = table_of(rows, 60, keys)
    for row in rows[1:]:
        for cell in row:
            for figure in re.findall(r"[-+]?[\d.,]+ ± [\d.,]+|[\d.]+ [kMG]\b", getattr(cell, "plain", cell)):
                assert figure in shown


CELLS = st.text("abcdef 0123456789.%", min_size=1, max_size=24).map(str.strip)


@given(st.lists(st.lists(CELLS, min_size=5, max_size=5), min_size=2, max_size=6), st.integers(60, 200))
def test_any_table_fits(rows, width):
    shown = table_of(rows, width)
    assert max(map(len, shown.splitlines())) <= width
    assert words_of(" ".join(cell for row in rows for cell in row)) <= words_of(shown)


def test_in_a_pipe_a_row_is_a_line(monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    out = StringIO()
    terminal = Terminal(file=out)
    assert terminal.width == UNLIMITED
    rows, keys = impact_rows()
    say_rows(terminal, rows, keys=keys)
    assert len(out.getvalue().splitlines()) == 5
    monkeypatch.setenv("COLUMNS", "77")  # asked for: followed at once
    assert terminal.width == 77


# --- Terminals --------------------------------------------------------------------------------------------


def in_a_terminal(columns, *arguments):
    """Run the program in a terminal with so many columns; returns its output."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"} | {"TERM": "xterm"}
    command = [sys.executable, "-m", "valuescape", *map(str, arguments)]
    process = subprocess.Popen(command, stdin=its, stdout=its, stderr=its, env=environment)
    os.close(its)
    shown = b""
    while True:
        try:
            shown += os.read(ours, 65536)
        except OSError:  # the terminal was closed at the other end
            break
    os.close(ours)
    process.wait(60)
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode()).replace("\r", "")


def test_a_terminal_s_width_is_kept_to(tmp_path):
    report = {"load": "agents", "carried": 1, "broke": None, "trials": []}
    paths = tmp_path / "a.json", tmp_path / "b.json"
    for path in paths:
        path.write_text(json.dumps(report))
    shown = in_a_terminal(34, "compare", *paths)
    lines = [line for line in shown.splitlines() if "│" in line or "┃" in line]
    assert len(lines) >= 6  # continued below
    assert max(map(len, lines)) <= 34
    assert "no limit broke" in shown


PRINTS = ["--help", "", "--version", "presets", "settings", "settings --markdown", "run --help", "run nope"]


@pytest.mark.parametrize("arguments", PRINTS)
def test_what_cannot_be_encoded_is_spelled(arguments):
    ended = valuescape(*arguments.split(), **ASCII)
    assert ended.returncode == (2 if "nope" in arguments else 0), ended.stderr
    assert "Error" not in ended.stderr
    assert (ended.stdout + ended.stderr).isascii()


@pytest.mark.gpu
def test_a_run_s_summary_can_be_printed_anywhere(tmp_path):
    sets = [part for each in (*SMALL, "run.record=false", "workers.count=0") for part in ("--set", each)]
    ended = valuescape("run", "--headless", *sets, "--frames", 2, "--out", tmp_path, **ASCII)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.isascii()
    assert " +- " in ended.stdout
    examined = valuescape("doctor", **ASCII)
    assert examined.returncode == 0, examined.stderr
    assert examined.stdout.isascii()


def test_a_name_that_is_no_text_can_be_printed(cli):
    """A shell passes such a name if a file's name is not in the locale's encoding."""
    assert "\\udcff.toml" in cli("run", "\udcff.toml")[2]


@given(st.text())
def test_spelling_is_ascii_and_leaves_ascii_as_it_is(text):
    assert spelled(text, "ascii").isascii()
    if text.isascii():
        assert spelled(text, "ascii") == text


def test_our_own_signs_are_spelled_as_people_do():
    assert spelled("3 ± 1 µs · 2 × 4 – −1", "ascii") == "3 +- 1 us | 2 x 4 - -1"
    assert spelled("3 ± 1 µs", "latin-1") == "3 ± 1 µs"


def test_no_command_writes_by_a_console_with_markup():
    """Such a console would swallow brackets in messages."""
    makers = {"terminal.py", "help_text.py", "app.py"}  # app.py: complaints, which are escaped
    for path in (Path(__file__).parents[3] / "valuescape").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert path.name in makers or not re.search(r"rich\.(markup|console) import", text), path.name
