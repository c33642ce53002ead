"""What is measured of pictures: every row of the table, and its command."""

from typing import Any

from runner import Row

CROWDS = (1_000, 10_000, 100_000)
GOALS = (2.5, 6, 15)
"""Times as fast as vispy, for each of CROWDS."""

SUBJECTS = {"valuescape": "frames/ours.py", "vispy": "frames/vispy_peer.py", "pygfx": "frames/pygfx_peer.py"}


def all_rows() -> list[Row]:
    """Return every row, in the order of the table."""
    rows = [
        _row(subject, script, agents)
        for subject, script in SUBJECTS.items()
        for agents in CROWDS
        if (subject, agents) != ("pygfx", 100_000)  # over 3 s a frame
    ]
    rows.append(_row("valuescape, every trail a ribbon", "frames/ours.py", 1_000, ribbons=True))
    program = Row(
        "program/10000",
        "program",
        "whole program",
        "frames/program.py",
        {"agents": 10_000},
        unit="FPS",
        agents=10_000,
        repeats=1,
    )
    return [*rows, program]


def _row(subject: str, script: str, agents: int, **args: Any) -> Row:
    python = "ours" if script == "frames/ours.py" else "peers"
    args = {"agents": agents, **args}
    return Row(f"frame/{agents}/{subject}", "frame", subject, script, args, python, "ms", agents)
