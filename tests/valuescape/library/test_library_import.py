"""`import valuescape`: quick, light, quiet, with names that people, editors and type checkers find."""

import subprocess
import sys
from pathlib import Path

import pytest

import valuescape

HEAVY = {"torch", "moderngl", "glcontext", "glfw", "matplotlib", "numba", "pydantic", "numpy", "multiprocess"}


def python(code, *arguments, **options):
    command = [sys.executable, *arguments, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=110, **options)


def test_the_import_is_quick_and_loads_nothing_heavy():
    """The quickest of three: other tests have the cores, too."""
    code = (
        "import time, sys; began = time.perf_counter(); import valuescape;"
        f"print(time.perf_counter() - began, *({HEAVY} & set(sys.modules)))"
    )
    found = [python(code).stdout.split() for _ in range(3)]
    assert min(float(seconds) for seconds, *_ in found) < 0.05
    assert [heavy for _, *heavy in found] == [[], [], []]


def test_models_and_maps_need_neither_torch_nor_opengl():
    """Of a shipped checkpoint; pictures need Matplotlib alone."""
    code = (
        "import sys, valuescape; model = valuescape.load('pendulum'); model.value([0, 0, 0]);"
        "belief = valuescape.value_map(model, 8); valuescape.rollouts(model, 2, max_steps=3);"
        "print(*({'torch', 'glcontext', 'glfw', 'gymnasium', 'stable_baselines3'} & set(sys.modules)))"
    )
    ended = python(code)
    assert (ended.stdout.split(), ended.stderr) == ([], "")


def test_every_name_is_there_and_listed():
    assert set(valuescape.__all__) <= set(dir(valuescape))
    for name in valuescape.__all__:
        assert getattr(valuescape, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'laod'"):
        valuescape.laod  # noqa: B018


def test_star_import_gives_the_public_names():
    names = {}
    exec("from valuescape import *", names)
    assert set(valuescape.__all__) <= names.keys()


def test_types_are_announced():
    assert (Path(valuescape.__file__).parent / "py.typed").exists()


INTERRUPTED = """
import os, signal, threading, time
import valuescape

def interrupt():
    global sent
    sent = time.monotonic()
    os.kill(os.getpid(), signal.SIGINT)

model = valuescape.load("pendulum")
calls = (
    lambda told: valuescape.truth_map(model, 256, rollouts=5000, on_progress=told),
    lambda told: valuescape.analyze(model, cells=256, rollouts=5000, on_progress=lambda what, _: told(_)),
    lambda told: valuescape.rollouts(model, 60_000, on_progress=told),
)
for call in calls:
    timer = []
    def told(share):
        if not timer:
            timer.append(threading.Timer(0.3, interrupt))
            timer[0].start()
    try:
        call(told)
        print("not interrupted")
    except KeyboardInterrupt:
        within = time.monotonic() - sent < 10
        timer[0].join()
        print("interrupted", within, threading.active_count())
"""


def test_an_interrupt_ends_long_calls_and_leaves_no_thread():
    """KeyboardInterrupt, as of Ctrl-C or of "interrupt the kernel"; soon all is over."""
    ended = python(INTERRUPTED, "-W", "error")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines() == ["interrupted True 1"] * 3
