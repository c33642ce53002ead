"""The examples of training runs that can be watched, shortened."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from valuescape.sim.policy.training_files import training_files

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("script", "options", "folder", "steps"),
    [
        ("watch_cleanrl_style.py", ["--name", f"example-{os.getpid()}"], f"example-{os.getpid()}", 4096),
        ("watch_sb3.py", [], "sac-Pendulum-v1", 150),
    ],
)
def test_an_example_learns_and_keeps_its_history(script, options, folder, steps, tmp_path):
    ran = subprocess.run(
        [sys.executable, str(ROOT / "examples" / script), "--timesteps", str(steps), *options],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    assert f"valuescape attach {folder}" in ran.stderr
    assert training_files(tmp_path / "runs" / folder).saved[-1].steps == steps
