"""The command `analyze`, and the files that it leaves."""

import json
from dataclasses import replace

import gymnasium
import numpy as np
import pytest
import torch
from analyses import QUICK, SHIPPED
from matplotlib.figure import Figure
from PIL import Image
from stable_baselines3 import SAC

from valuescape.analysis.pictures import returns_plot
from valuescape.presets import find_checkpoint
from valuescape.sim.policy.formats import native
from valuescape.sim.worlds import make_world

KEYS = {
    *("mean_return", "iqm_return", "mean_length", "share_terminated", "share_truncated"),
    *("start_value_predicted", "start_value_realised", "q_bias", "norm_q_bias", "norm_q_bias_std"),
    *("explained_variance", "spearman", "calibration_error", "mean_td_error"),
}


@pytest.fixture
def left(cli, tmp_path):
    """Analyse a shipped checkpoint; returns its folder and what was said."""

    def call(name, *more):
        file = SHIPPED / f"{name}.safetensors"
        status, said, errors = cli("analyze", file, "--world", name, *QUICK, "--out", tmp_path / "out", *more)
        assert status == 0, said + errors
        assert errors.count("\n") <= 1, "at most that the simulation is compiled, the first time"
        return tmp_path / "out", said

    return call


def test_it_leaves_report_summary_maps_and_arrays(left):
    folder, said = left("mountain_car")
    names = {path.name for path in folder.iterdir()}
    assert {"report.html", "summary.json", "arrays.npz", "maps.png", "value.pdf", "error.png"} <= names
    summary = json.loads((folder / "summary.json").read_text())
    assert summary.keys() >= KEYS | {"episodes", "cells", "gamma", "seconds", "versions", "machine"}
    assert all(summary[key]["low"] <= summary[key]["value"] <= summary[key]["high"] for key in KEYS)
    assert (summary["episodes"], summary["cells"], summary["complete"]) == (32, 32, True)
    assert f"{summary['mean_return']['value']:.4g}" in said
    page = (folder / "report.html").read_text()
    assert "http" not in page.replace("http://www.w3.org", "")  # opens offline
    assert page.count("data:image/png") == 5
    assert np.asarray(Image.open(folder / "maps.png").convert("L")).std() > 20
    with np.load(folder / "arrays.npz") as arrays:
        assert arrays["value"].shape == arrays["truth_value"].shape == arrays["significant"].shape == (32, 32)
        assert arrays["error"] == pytest.approx(arrays["value"] - arrays["truth_value"])
        assert arrays["x"][0] == pytest.approx(-1.2 + 1.8 / 64)
        assert len(arrays["step_predicted"]) == arrays["lengths"].sum()


def test_the_same_seed_gives_the_same_numbers(left, tmp_path, without_drawing):
    first, second = (
        json.loads((left("pendulum", "--seed", 5)[0] / "summary.json").read_text()) for _ in "ab"
    )
    for summary in (first, second):
        for changing in ("seconds", "date", "command"):
            del summary[changing]
    assert first == second


def test_a_file_without_the_noise_of_sac_is_told(cli, tmp_path, without_drawing):
    """Whatever coefficient is given: nothing is drawn that it could count."""
    shipped = find_checkpoint("auto", make_world("pendulum"))
    native.save(replace(shipped, noise=None), tmp_path / "sac.safetensors")
    status, said, errors = cli("analyze", tmp_path / "sac.safetensors", *QUICK, "--entropy-coefficient", 0.1)
    assert status == 0, errors
    assert "the file does not say what they are drawn with" in " ".join(said.split())


def test_other_coordinates_come_from_the_slice(left, without_drawing):
    folder, _ = left("cartpole", "--set", "heatmap.slice=pole velocity=0.5")
    summary = json.loads((folder / "summary.json").read_text())
    assert "pole velocity = 0.5" in summary["slice"]


def test_settings_and_options_say_the_same(cli, tmp_path, without_drawing):
    """Rollouts, the time limit and the entropy coefficient; a configuration file has them too."""
    file = tmp_path / "mine.toml"
    file.write_text(
        '[world]\nname = "pendulum"\n[insight]\nrollouts = 3\ntime_limit = true\nmin_visits = 4.0\n'
        "[policy]\nentropy_coefficient = 0.5\n"
    )
    options = ("--rollouts", 3, "--time-limit", "--entropy-coefficient", 0.5)
    shipped = SHIPPED / "pendulum.safetensors"
    cases = {"file": (file,), "options": (shipped, *options)}
    told = {}
    for name, arguments in cases.items():
        quick = ("--episodes", 8, "--cells", 8, "--out", tmp_path / name)
        assert cli("analyze", *arguments, *quick)[0] == 0
        told[name] = json.loads((tmp_path / name / "summary.json").read_text())
        assert (told[name]["rollouts_per_cell"], told[name]["entropy_coefficient"]) == (3, 0.5)
        assert told[name]["rollout_steps"] == 200
    assert told["file"]["q_bias"] == told["options"]["q_bias"]
    assert "fewer than 4 steps" in (tmp_path / "file/report.html").read_text()


@pytest.mark.parametrize("returns", [[np.inf, 1, 3], [np.nan, 1, 3], [np.nan, np.inf], [1, 3]])
def test_returns_that_are_not_finite_are_not_drawn(returns):
    axes = Figure().subplots()
    returns_plot(np.array(returns, float))(axes)
    assert sum(each.get_height() for each in axes.patches) == np.isfinite(returns).sum()
    mean = "mean 2" if 1 in returns else "mean nan"
    assert axes.get_legend().get_texts()[0].get_text() == mean


def test_maps_and_steps_are_what_sb3_s_own_networks_say(cli, tmp_path, without_drawing):
    """SAC, whose V(s) is the smaller Q of the action that `predict` chooses."""
    torch.manual_seed(3)
    model = SAC("MlpPolicy", gymnasium.make("Pendulum-v1"), device="cpu", seed=3, gamma=0.9)
    model.save(tmp_path / "sac.zip")
    status, _, errors = cli(
        "analyze", tmp_path / "sac.zip", *QUICK, "--world", "pendulum", "--out", tmp_path / "out"
    )
    assert status == 0, errors
    with np.load(tmp_path / "out/arrays.npz") as arrays:
        angle, speed = (each.ravel() for each in np.meshgrid(arrays["x"], arrays["y"]))
        shown = arrays["value"].ravel()
    obs = np.stack([np.cos(angle), np.sin(angle), speed], axis=1).astype(np.float32)
    action, _ = model.predict(obs, deterministic=True)
    with torch.no_grad():
        scaled = torch.as_tensor(model.policy.scale_action(action))
        both = torch.cat(model.critic(torch.as_tensor(obs), scaled), dim=1)
    assert shown == pytest.approx(both.min(dim=1).values.numpy(), abs=1e-5)
