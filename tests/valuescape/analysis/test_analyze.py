"""The command `analyze`, and the maps and files that it leaves."""

import json
import zipfile
from dataclasses import replace
from importlib.resources import files
from io import BytesIO
from pathlib import Path

import gymnasium
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image
from settable_envs import CANNOT, Goal, registered
from small_worlds import Chain, chain_critic, chain_values
from stable_baselines3 import PPO, SAC

from valuescape.analysis.analysis import Plan, analyze, places_of, significant_of
from valuescape.analysis.making import Here, TruthAsked
from valuescape.analysis.maps import critic_maps, visits_of
from valuescape.analysis.origin import plan_by
from valuescape.analysis.output import write
from valuescape.analysis.pictures import returns_plot
from valuescape.analysis.verdict import verdict
from valuescape.presets import find_checkpoint
from valuescape.sim.config.files import Config, changed
from valuescape.sim.errors import UsageError
from valuescape.sim.insight.plane import own_plane
from valuescape.sim.policy.formats import native
from valuescape.sim.policy.network import Activation, CriticKind, Layer, Mlp
from valuescape.sim.rollouts.choose import state_rollouts
from valuescape.sim.rollouts.rules import RolloutEnd, RolloutRules
from valuescape.sim.worlds import make_world

SHIPPED = Path(str(files("valuescape.configs").joinpath("checkpoints")))
QUICK = ("--episodes", 32, "--cells", 32, "--rollouts", 4)
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


def test_an_environment_of_gymnasium_has_the_maps_of_its_twin():
    """Classic control, whose state can be set; the critic and the episodes are over the same plane, too."""
    checkpoint = replace(find_checkpoint("auto", make_world("pendulum")), gamma=0.9)
    plan = Plan(episodes=4, cells=8, rollouts=2)
    env, twin = (
        analyze(checkpoint, own_plane(make_world(name)), plan)
        for name in ("gymnasium:Pendulum-v1", "pendulum")
    )
    assert env.maps.truth.value == pytest.approx(twin.maps.truth.value, abs=1e-3)
    assert np.array_equal(env.maps.value, twin.maps.value)
    assert env.maps.visits.count.sum() == len(env.judged.state) == 4 * 200
    assert np.abs(env.judged.state[:, 0]).max() > 1.1  # angles, not cosines


def test_a_world_that_cannot_be_put_into_a_state_has_numbers_and_says_why(cli, tmp_path, monkeypatch):
    name = registered(monkeypatch, Goal)
    PPO("MlpPolicy", gymnasium.make(name.removeprefix("gymnasium:")), device="cpu").save(tmp_path / "ppo.zip")
    status, said, errors = cli(
        *("analyze", tmp_path / "ppo.zip", "--world", name, "--episodes", 4, "--out", tmp_path / "out")
    )
    assert status == 0, errors
    assert f"cannot be put into a state of one's choice: what it does next {CANNOT[Goal]}." in " ".join(
        said.split()
    )
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "report.html",
        "summary.json",
        "arrays.npz",
    }


def test_maps_of_an_environment_can_be_interrupted():
    """Coarse cells come first, and a piece of work is short."""
    world = make_world("gymnasium:MountainCar-v0")
    checkpoint = find_checkpoint("auto", make_world("mountain_car"))
    asked = []

    def until_the_second_look(what, share):
        asked.append(what)
        return asked.count("rollouts from every cell") < 2

    plan = Plan(episodes=2, cells=256, rollouts=1, threads=2)
    found = analyze(checkpoint, own_plane(world), plan, until_the_second_look)
    assert not found.complete
    assert found.maps is None or found.maps.truth.progress < 1


@pytest.fixture
def saved(tmp_path):
    """The shipped DQN of the mountain car with some other fields, in a file."""

    def call(**fields):
        native.save(
            replace(find_checkpoint("auto", make_world("mountain_car")), **fields), tmp_path / "a.safetensors"
        )
        return tmp_path / "a.safetensors"

    return call


def test_without_a_future_a_return_is_the_next_reward(cli, saved, tmp_path, without_drawing):
    status, said, errors = cli("analyze", saved(gamma=0.0), *QUICK, "--out", tmp_path / "out")
    assert status == 0, errors
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    assert summary["start_value_realised"] == {"value": -1, "low": -1, "high": -1}
    assert summary["explained_variance"]["value"] is None
    assert "returns are all alike, so there is no variance to explain" in said
    assert summary["rollout_steps"] == 1
    with np.load(tmp_path / "out/arrays.npz") as arrays:
        assert (arrays["truth_value"] == -1).all()


def test_without_discount_a_return_is_the_sum_of_rewards(cli, saved, tmp_path, without_drawing):
    status, _, errors = cli("analyze", saved(gamma=1.0), *QUICK, "--out", tmp_path / "out")
    assert status == 0, errors
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    assert summary["start_value_realised"] == summary["mean_return"]
    assert summary["rollout_steps"] == 200  # the world's limit always holds
    with np.load(tmp_path / "out/arrays.npz") as arrays:
        assert np.array_equal(arrays["truth_value"], -arrays["truth_steps"])


def test_a_critic_that_is_infinite_in_places_is_told(cli, saved, tmp_path, without_drawing, recwarn):
    """V = 1e39 position overflows float32 beyond 0.34; the rest counts."""
    none = np.zeros(1, np.float32)
    huge = (Layer(np.float32([[1e20, 0]]), none, Activation.IDENTITY),)
    huge += (Layer(np.float32([[1e19]]), none, Activation.IDENTITY),)
    file = saved(critics=(Mlp(huge),), critic_kind=CriticKind.STATE_VALUE, algorithm="ppo")
    status, said, errors = cli("analyze", file, *QUICK, "--out", tmp_path / "out")
    assert status == 0, errors
    assert "RuntimeWarning" not in errors
    assert not [each for each in recwarn if each.category is RuntimeWarning]
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    with np.load(tmp_path / "out/arrays.npz") as arrays:
        assert summary["left_out_steps"] == (~np.isfinite(arrays["step_predicted"])).sum() > 0
    assert "steps are left out: their value or their return is not finite" in said


class Once(Chain):
    """The chain, but every step ends the episode, for 3."""

    name = "once"

    @staticmethod
    def dynamics(state, action):
        return state, np.float32(3) + np.float32(0) * state[0], state[0] > np.float32(-1)


def test_episodes_of_one_step(tmp_path, without_drawing):
    found = analyze(chain_critic(0.5, 2.0), own_plane(Once()), Plan(episodes=6, cells=8, rollouts=2))
    assert found.episodes.lengths.tolist() == [1] * 6
    assert found.numbers["mean_return"].value == found.numbers["start_value_realised"].value == 3
    assert found.numbers["q_bias"].value == pytest.approx(-1)  # V = 2 at place 0
    assert (found.maps.truth.value == 3).all()
    assert all(path.exists() for path in write(found, tmp_path / "out", "once.zip", 1.0))


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


@pytest.mark.parametrize(("member", "said"), [
    ("gamma", "data: gamma is not a number"),
    ("critic", "has no critic (tensors critic.qf0.*)"),
])  # fmt: skip
def test_a_file_without_gamma_or_critic_is_refused_in_a_sentence(cli, tmp_path, member, said):
    SAC("MlpPolicy", gymnasium.make("Pendulum-v1"), device="cpu").save(tmp_path / "sac.zip")
    with zipfile.ZipFile(tmp_path / "sac.zip") as whole, zipfile.ZipFile(tmp_path / "less.zip", "w") as less:
        for name in whole.namelist():
            less.writestr(name, without(member, name, whole.read(name)))
    status, _, errors = cli("analyze", tmp_path / "less.zip", *QUICK)
    assert status == 2
    assert f"less.zip: {said}" in errors
    assert len(errors.strip().splitlines()) <= 2


def without(member, name, content):
    """Return a zip's member without gamma, or without the critic's tensors."""
    if name == "data" and member == "gamma":
        return json.dumps({key: value for key, value in json.loads(content).items() if key != "gamma"})
    if name == "policy.pth" and member == "critic":
        tensors, out = torch.load(BytesIO(content), weights_only=True), BytesIO()
        torch.save({key: value for key, value in tensors.items() if not key.startswith("critic")}, out)
        return out.getvalue()
    return content


def test_another_critic_by_a_setting_is_refused(cli):
    status, _, errors = cli("analyze", "demo", "--set", "policy.torchscript_critic=critic.pt")
    assert status == 2
    assert "analyze judges the checkpoint's own critic" in errors


def test_an_action_that_there_is_not_is_refused(cli, tmp_path):
    shipped = SHIPPED / "pendulum.safetensors"
    for checkpoints in (shipped, tmp_path):
        (tmp_path / "rl_model_1_steps.safetensors").write_bytes(shipped.read_bytes())
        status, _, errors = cli("analyze", checkpoints, "--set", "insight.action=nothing")
        assert status == 2
        assert "insight.action = 'nothing': pendulum has no such action" in errors


def test_a_folder_that_cannot_be_written_is_refused_before_anything_runs(cli, tmp_path, monkeypatch):
    monkeypatch.delattr("valuescape.analysis.making.run_episodes")
    shipped, file = SHIPPED / "pendulum.safetensors", tmp_path / "file"
    (tmp_path / "run").mkdir()
    for path in (file, tmp_path / "run/rl_model_1_steps.safetensors", tmp_path / "other.safetensors"):
        path.write_bytes(shipped.read_bytes())
    for checkpoints in ((shipped,), (shipped, tmp_path / "other.safetensors"), (tmp_path / "run",)):
        status, _, errors = cli("analyze", *checkpoints, "--out", file / "out")
        assert status == 2
        assert f"{file / 'out'}: cannot be written (Not a directory)" in errors


@pytest.mark.parametrize("returns", [[np.inf, 1, 3], [np.nan, 1, 3], [np.nan, np.inf], [1, 3]])
def test_returns_that_are_not_finite_are_not_drawn(returns):
    axes = Figure().subplots()
    returns_plot(np.array(returns, float))(axes)
    assert sum(each.get_height() for each in axes.patches) == np.isfinite(returns).sum()
    mean = "mean 2" if 1 in returns else "mean nan"
    assert axes.get_legend().get_texts()[0].get_text() == mean


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


@pytest.mark.parametrize(("arguments", "said"), [
    (("nowhere.zip",), "nowhere.zip"),
    (("demo", "--set", "policy.checkpoint=random"), "random actions have no critic"),
    ((SHIPPED / "pendulum.safetensors", "--episodes", 1), "--episodes"),
])  # fmt: skip
def test_what_cannot_be_analysed_is_refused(cli, arguments, said):
    status, _, errors = cli("analyze", *arguments)
    assert status == 2
    assert said in errors
    assert len(errors.strip().splitlines()) <= 2


def critic_of(values):
    """Return a chain's policy with a critic that is V(place) = a + b place, as least squares has it."""
    return chain_critic(*np.polyfit(np.arange(10), values, 1))


def test_maps_say_what_the_critic_and_the_world_say():
    plane, checkpoint = own_plane(Chain()), critic_of(chain_values(0.0, 0.9))
    maps = critic_maps(TruthAsked(checkpoint, plane, 40, RolloutRules.of(0.9, 100), 8), Here(2))
    x, _ = maps.centres(40)
    truth = chain_values(0.0, 0.9)
    assert maps.truth.value[7] == pytest.approx(truth[np.minimum(np.ceil(x - 1e-9), 9).astype(int)], abs=1e-5)
    slope, level = np.polyfit(np.arange(10), truth, 1)
    assert maps.value[3] == pytest.approx(slope * x + level, abs=1e-5)
    assert np.array_equal(maps.error, maps.value - maps.truth.value)
    assert not maps.random
    assert maps.cut_bound == 0


def test_what_a_cut_off_return_lacks_is_bounded_by_returns_too():
    """Going back costs 1 a step for ever, -1 / (1 - 0.9) = -10; a critic of 0 says nothing about that."""
    checkpoint = replace(always_back(), gamma=0.9)
    rules = RolloutRules(0.9, 7, RolloutEnd.CUT)
    maps = critic_maps(TruthAsked(checkpoint, own_plane(Chain()), 8, rules, 2), Here(1))
    assert (maps.value == 0).all()
    lacking = maps.truth.value - -1 / (1 - 0.9)
    assert maps.cut_bound == pytest.approx(lacking.max())
    assert lacking.max() == pytest.approx(10 * 0.9**7)


def always_back():
    """The chain's policy that goes back, with a critic of 0."""
    made = chain_critic(0, 0)
    last = made.actor.layers[-1]
    return replace(made, actor=Mlp((replace(last, bias=-last.bias),)))


@pytest.mark.parametrize("simd", [True, False])
def test_rollouts_are_made_as_features_simd_says(simd, monkeypatch):
    told = []

    def spied(*given, simd):
        told.append(simd)
        return state_rollouts(*given, simd=simd)

    monkeypatch.setattr("valuescape.analysis.making.state_rollouts", spied)
    config = changed(Config(), {"features.simd": simd})
    analyze(chain_critic(0.5, 2.0), own_plane(Chain()), plan_by(config, 4, 8, 1))
    assert told == [simd]


def test_episodes_are_counted_where_their_steps_began():
    plane = own_plane(Chain())
    found = analyze(critic_of(chain_values(0.0, 0.9)), plane, Plan(episodes=20, cells=16, rollouts=2))
    visits = visits_of(plane, found.judged, edge=10)
    assert visits.count.sum() == 200
    assert (visits.count.sum(axis=0) == 20).all()  # every episode takes every place once
    seen = visits.count > 0
    assert np.isnan(visits.error[~seen]).all()
    steps = found.judged
    assert np.nansum(visits.error * visits.count) == pytest.approx((steps.predicted - steps.realised).sum())
    predicted = steps.predicted.copy()
    predicted[0] = np.nan  # one of several in its cell
    unknown = visits_of(plane, replace(steps, predicted=predicted), edge=10)
    assert np.isfinite(unknown.error[seen]).all()
    assert np.array_equal(unknown.count, visits.count)


def test_a_planted_bias_is_found_where_it_is():
    """A critic that is right but for places beyond 6, where it promises 5 too much."""
    plane = own_plane(Chain())
    found = analyze(critic_of(chain_values(0.0, 0.9)), plane, Plan(episodes=8, cells=32, rollouts=2))
    maps = replace(found.maps, value=found.maps.truth.value + 5.0 * (found.maps.centres(32)[0] > 6)[None])
    assert (maps.error[:, :16] == 0).all()
    significant = significant_of(maps)
    assert significant.mean() == pytest.approx(4 / 10, abs=0.04)
    (region,) = places_of(maps, significant, found.judged, plane, 0.9).overconfident
    assert region.mean == pytest.approx(5)
    assert 7.5 < region.centre[0] < 8.5


def test_an_interrupted_analysis_keeps_what_is_there():
    found = analyze(
        critic_of(chain_values(0.0, 0.9)),
        own_plane(Chain()),
        Plan(episodes=8),
        lambda what, share: share < 0.2,
    )
    assert not found.complete
    assert found.maps is None
    assert "Interrupted" in verdict(found)[-1]


def test_interrupted_episodes_are_not_judged_as_whole_ones():
    checkpoint = critic_of(chain_values(0.0, 0.9))
    found = analyze(checkpoint, own_plane(Chain()), Plan(episodes=8), lambda what, share: share < 0.01)
    said = verdict(found)
    assert "8 of 8 episodes were interrupted" in said[0]
    assert np.isnan(found.numbers["mean_return"].value)
    assert np.isnan(found.numbers["share_terminated"].high)
    judged = found.judged  # one step, and then the critic's value
    assert judged.realised == pytest.approx(judged.predicted + judged.td_error)
    assert any("Of 100% of the steps the return ends with the critic's own value" in each for each in said)


@pytest.mark.parametrize("look_s", [0.0, 0.05])
def test_maps_that_are_interrupted_show_what_is_there(monkeypatch, tmp_path, look_s, without_drawing):
    """No maps before the first rollouts; then coarse cells."""
    monkeypatch.setattr("valuescape.sim.rollouts.field.CHUNK", 4)  # so that the whole takes a second
    monkeypatch.setattr("valuescape.analysis.making.LOOK_S", look_s)
    plan = Plan(episodes=4, cells=256, rollouts=1, threads=1)
    found = analyze(
        critic_of(chain_values(0.0, 0.9)),
        own_plane(Chain()),
        plan,
        lambda what, share: what != "rollouts from every cell",
    )
    assert not found.complete
    assert found.maps is None or 0 < found.maps.truth.progress < 1
    assert all(path.exists() for path in write(found, tmp_path / "out", "chain.zip", 1.0))


def test_a_critic_of_nan_is_refused():
    layer = Layer(np.float32([[np.nan, 0]]), np.zeros(1, np.float32), Activation.IDENTITY)
    with pytest.raises(UsageError, match="no step has both a value and a return"):
        analyze(
            replace(critic_of(np.zeros(10)), critics=(Mlp((layer,)),)), own_plane(Chain()), Plan(episodes=4)
        )


def test_worlds_of_many_variables_have_a_plane():
    world = make_world("cartpole")
    assert own_plane(world).label
