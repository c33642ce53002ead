"""`analyze` with the folder of a training run: which files count, numbers over steps, the film."""

import csv
import json
import pickle
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import av
import gymnasium
import numpy as np
import pytest
from small_worlds import Chain, chain_critic
from stable_baselines3 import PPO

from valuescape.analysis.analysis import Plan
from valuescape.analysis.film import _Film, write_film
from valuescape.analysis.training import Frame, analyze_training
from valuescape.analysis.training_output import training_summary, training_verdict
from valuescape.sim.cluster.asking import ClusterGoneError
from valuescape.sim.config.model import Config
from valuescape.sim.errors import UsageError
from valuescape.sim.insight.plane import own_plane
from valuescape.sim.policy.formats import native
from valuescape.sim.policy.loading import load_checkpoint
from valuescape.sim.policy.network import Training
from valuescape.sim.policy.training_files import Saved, TrainingFiles, natural, training_files
from valuescape.sim.worlds import make_world

SHIPPED = Path(str(files("valuescape.configs").joinpath("checkpoints")))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A folder as Stable-Baselines3 leaves one, with a broken file and one of another world in it."""
    folder = tmp_path_factory.mktemp("logs")
    model = PPO("MlpPolicy", gymnasium.make("CartPole-v1"), device="cpu", seed=1)
    for steps in (10_000, 900, 2_000):
        model.num_timesteps = steps
        model.save(folder / f"rl_model_{steps}_steps")
    model.save(folder / "best_model")
    model.save(folder / "final")
    (folder / "rl_model_replay_buffer_900_steps.pkl").write_bytes(pickle.dumps([1]))
    (folder / "evaluations.npz").write_bytes(b"")
    (folder / "rl_model_3000_steps.zip").write_bytes((folder / "best_model.zip").read_bytes()[:5000])
    native.save(
        load_checkpoint(SHIPPED / "mountain_car.safetensors", make_world("mountain_car")),
        folder / "other_500_steps.safetensors",
    )
    return folder


def test_files_are_in_the_order_of_their_steps_and_others_are_named(run):
    found = training_files(run)
    assert [(each.path.name, each.steps) for each in found.saved] == [
        ("rl_model_900_steps.zip", 900),
        ("rl_model_2000_steps.zip", 2_000),
        ("rl_model_10000_steps.zip", 10_000),
    ]
    said = sorted(found.left_out)
    assert [each.partition(":")[0] for each in said] == [
        "best_model.zip",
        "final.zip",
        "other_500_steps.safetensors",
        "rl_model_3000_steps.zip",
    ]
    assert "was saved after 2,000 steps, as rl_model_2000_steps.zip was" in said[1]
    assert "is DQN of 2 observations and 3 outputs, unlike most" in said[2]


def chain_file(folder, name, steps=None):
    native.save(
        replace(chain_critic(1.0, 0.0), training=Training(timesteps=steps)), folder / f"{name}.safetensors"
    )


def test_the_file_says_its_steps_before_its_name_does(tmp_path):
    chain_file(tmp_path, "model_5_steps", 7_000)
    chain_file(tmp_path, "model_80_steps")
    chain_file(tmp_path, "checkpoint-9")
    assert [each.steps for each in training_files(tmp_path).saved] == [9, 80, 7_000]


def test_a_file_without_steps_is_left_out(tmp_path):
    chain_file(tmp_path, "model_80_steps")
    chain_file(tmp_path, "model")
    found = training_files(tmp_path)
    assert [each.steps for each in found.saved] == [80]
    assert found.left_out == ["model.safetensors: neither the file nor its name says after how many steps"]


def test_models_without_statistics_are_left_out_where_others_have_some(tmp_path):
    model = PPO("MlpPolicy", gymnasium.make("CartPole-v1"), device="cpu")
    for name in ("rl_model_100_steps", "final"):
        model.num_timesteps += 100
        model.save(tmp_path / name)
    (tmp_path / "rl_model_vecnormalize_100_steps.pkl").write_bytes(b"any")
    found = training_files(tmp_path)
    assert [each.path.name for each in found.saved] == ["rl_model_100_steps.zip"]
    assert found.left_out == ["final.zip: has no VecNormalize file beside it, as others have"]


def test_folders_without_checkpoints_are_refused_in_a_sentence(cli, tmp_path):
    (tmp_path / "logs/ppo").mkdir(parents=True)
    chain_file(tmp_path / "logs/ppo", "model_1_steps")
    status, _, errors = cli("analyze", tmp_path / "logs")
    assert status == 2
    assert "logs: has no checkpoints" in errors
    assert f"such as {tmp_path / 'logs/ppo'}" in errors
    (tmp_path / "model.zip").write_bytes(b"PK broken")
    with pytest.raises(UsageError, match=r"no file in it can be used; model\.zip: "):
        training_files(tmp_path)


def test_names_are_sorted_as_people_do():
    names = [Path(each) for each in ("b_10.zip", "b_9.zip", "a_100.zip", "9.zip")]
    assert [path.name for path in sorted(names, key=natural)] == ["9.zip", "a_100.zip", "b_9.zip", "b_10.zip"]


def test_numbers_over_steps_are_those_of_each_file_alone(cli, run, tmp_path):
    quick = ("--episodes", 8, "--cells", 8, "--rollouts", 2)
    status, said, errors = cli("analyze", run, "--world", "cartpole", *quick, "--out", tmp_path / "out")
    assert status == 0, errors
    assert errors.count("left out: ") == 4
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        *("report.html", "summary.json", "numbers.csv", "arrays.npz", "maps.mp4", "training.png"),
        *("training.pdf", "maps.png", "maps.pdf"),
    }
    told = json.loads((tmp_path / "out/summary.json").read_text())
    assert [each["steps_trained"] for each in told["checkpoints"]] == [900, 2_000, 10_000]
    assert len(told["left_out"]) == 4
    with (tmp_path / "out/numbers.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["steps"] for row in rows] == ["900", "2000", "10000"]
    plan = Plan(episodes=8, cells=8, rollouts=2)
    alone = analyze_training(
        TrainingFiles(run, [Saved(run / "rl_model_2000_steps.zip", 2_000)]),
        own_plane(make_world("cartpole")),
        plan,
    )
    for name, estimate in alone.points[0].numbers.items():
        assert float(rows[1][name]) == pytest.approx(estimate.value, nan_ok=True)
        assert float(rows[1][f"{name}_low"]) == pytest.approx(estimate.low, nan_ok=True)
    with np.load(tmp_path / "out/arrays.npz") as arrays:
        assert arrays["steps"].tolist() == arrays["maps_steps"].tolist() == [900, 2_000, 10_000]
        assert arrays["value"].shape == arrays["truth_value"].shape == (3, 8, 8)
        assert np.array_equal(arrays["value"][1], alone.points[0].frame.value)
    with av.open(str(tmp_path / "out/maps.mp4")) as film:
        assert len(list(film.decode(video=0))) == 3 + 2 * 2  # the last one stays for two seconds
    page = (tmp_path / "out/report.html").read_text()
    assert page.count("data:image/svg") == 4
    assert "Left out: best_model.zip" in page
    assert "10,000" in said


def chain_run(tmp_path, *steps):
    for each in steps:
        chain_file(tmp_path, f"chain_{each}_steps", each)
    return training_files(tmp_path)


PLAN = Plan(episodes=4, cells=8, rollouts=2)


def test_a_checkpoint_that_cannot_be_analysed_is_left_out(tmp_path):
    files_ = chain_run(tmp_path, 1, 2, 3)
    files_.saved[1].path.write_bytes(b"damaged since")
    told = []
    found = analyze_training(files_, own_plane(Chain()), PLAN, on_left_out=told.append)
    assert [each.saved.steps for each in found.points] == [1, 3]
    assert told == found.left_out
    assert told[0].startswith("chain_2_steps.safetensors: ")
    assert found.complete
    files_.saved = files_.saved[1:2]
    with pytest.raises(UsageError, match="none of its checkpoints can be analysed; chain_2_steps"):
        analyze_training(files_, own_plane(Chain()), PLAN)


def test_a_cluster_that_is_gone_ends_the_analysis_and_is_no_checkpoints_fault(tmp_path):
    class Gone:
        def episodes(self, asked, on_step):
            raise ClusterGoneError("the head of the cluster has not answered for 11 s")

    with pytest.raises(ClusterGoneError, match=r"^the head of the cluster"):
        analyze_training(chain_run(tmp_path, 1, 2), own_plane(Chain()), PLAN, made_by=Gone())


def test_an_interrupted_run_keeps_what_is_done(tmp_path):
    told = []

    def stop(what, share):
        told.append(what)
        return share < 0.4

    found = analyze_training(chain_run(tmp_path, 1, 2_000, 3_000), own_plane(Chain()), PLAN, stop)
    assert not found.complete
    assert [each.saved.steps for each in found.points] == [1]
    assert told[0].startswith("1 steps (1 of 3): ")
    assert training_verdict(found)[-1].startswith("Interrupted")
    assert training_summary(found, 1.0, Config())["complete"] is False


def frames():
    plane, sure = own_plane(Chain()), np.ones((8, 8), bool)
    x = np.tile(np.linspace(0, 1, 8, dtype=np.float32), (8, 1))
    return [Frame(plane, x, x, sure), Frame(plane, 3 * x, x, sure), Frame(plane, x, x, sure)]


def test_frames_of_the_same_maps_differ_in_their_title_alone():
    """So every frame is on the same colours, in the same places."""
    shown = frames()
    film = _Film(shown)
    first, other, again = (film.picture(each, f"{at} steps") for at, each in enumerate(shown))
    title = len(first) // 12
    assert not np.array_equal(first[:title], again[:title])
    assert np.array_equal(first[title:], again[title:])
    belief, rest = np.split(other, [other.shape[1] // 4], axis=1)
    assert not np.array_equal(belief, first[:, : belief.shape[1]])
    assert rest.shape[1] > 0


def test_a_film_has_a_frame_for_each_checkpoint(tmp_path):
    write_film(tmp_path / "maps.mp4", frames(), ["one", "two", "three"])
    with av.open(str(tmp_path / "maps.mp4")) as film:
        pictures = [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
        assert film.streams.video[0].average_rate == 2
    assert len(pictures) == 3 + 2 * 2
    assert pictures[0].std() > 20
