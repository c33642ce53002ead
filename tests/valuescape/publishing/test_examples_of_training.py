"""The examples of training runs that can be watched, shortened."""

import importlib.util
from pathlib import Path

import pytest
import torch

from valuescape.sim.policy.training_files import training_files

EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.fixture
def example(tmp_path, monkeypatch):
    """Returns a function that loads an example, which runs in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    threads = torch.get_num_threads()

    def load(name):
        spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    yield load
    torch.set_num_threads(threads)


def test_a_loop_of_ones_own(example, tmp_path, capsys):
    example("watch_cleanrl_style").main(timesteps=2048, seed=1, name="ppo-example")
    assert "valuescape attach ppo-example\n" in capsys.readouterr().err
    found = training_files(tmp_path / "runs" / "ppo-example")
    assert (found.saved[-1].steps, found.left_out) == (2048, [])


def test_stable_baselines(example, tmp_path, capsys):
    example("watch_sb3").main(timesteps=150, seed=1)
    assert "valuescape attach sac-Pendulum-v1\n" in capsys.readouterr().err
    assert training_files(tmp_path / "runs" / "sac-Pendulum-v1").saved[-1].steps == 150


def test_a_folder_of_checkpoints(example, tmp_path):
    example("watch_folder").main(str(tmp_path / "logs"), timesteps=1024, seed=1)
    found = training_files(tmp_path / "logs")
    assert ([each.steps for each in found.saved], found.left_out) == ([1024], [])
