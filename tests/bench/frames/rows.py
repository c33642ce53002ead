"""Rows of the frames suite, each with its command."""

from typing import Any

from runner import Row

CROWDS = (1_000, 10_000, 100_000)
GOALS = (3, 6, 15)
"""Goals: times as fast as vispy, for each of CROWDS."""

SUBJECTS = {"valuescape": "frames/ours.py", "vispy": "frames/vispy_peer.py", "pygfx": "frames/pygfx_peer.py"}

EFFECTS = "glow and tone mapping"
VARIANTS: dict[str, dict[str, Any]] = {
    "every trail a ribbon": {"ribbons": True},
    EFFECTS: {"set": ["render.glow=0.7", "render.tone_mapping=true"]},
    "4 samples a pixel": {"set": ["render.msaa=4"]},
    "height field": {"flat": False},
    "the map by shaders": {"set": ["features.painted_map=false"]},
}
"""Other pictures of the same 1,000 agents."""


def all_rows() -> list[Row]:
    """Return every row, in the order of the table."""
    rows = [
        _row(subject, script, agents)
        for subject, script in SUBJECTS.items()
        for agents in CROWDS
        if (subject, agents) != ("pygfx", 100_000)  # over 3 s a frame
    ]
    rows += [_row(f"valuescape, {what}", "frames/ours.py", 1_000, **args) for what, args in VARIANTS.items()]
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
