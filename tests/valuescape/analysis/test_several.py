"""`analyze` with several checkpoints: one report, common colours, differences from the first."""

import json
from dataclasses import replace
from importlib.resources import files
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small_worlds import Chain, always_on, chain_critic

from valuescape.analysis.analysis import Plan, analyze
from valuescape.analysis.panels import Domain
from valuescape.analysis.pictures import as_png, figure
from valuescape.analysis.several import Model, analyze_several, labels_of
from valuescape.analysis.several_output import common_panels, several_table, several_verdict
from valuescape.sim.errors import UsageError
from valuescape.sim.insight.plane import own_plane
from valuescape.sim.policy.formats import native
from valuescape.sim.policy.loading import load_checkpoint
from valuescape.sim.policy.network import CriticKind, Mlp
from valuescape.sim.worlds import make_world

SHIPPED = Path(str(files("valuescape.configs").joinpath("checkpoints")))
QUICK = ("--episodes", 16, "--cells", 16)


def shifted(checkpoint, by):
    """The same policy with a critic that promises `by` more everywhere: one of V, so that it stays."""
    (critic,) = checkpoint.critics
    *others, last = critic.layers
    return replace(checkpoint, critics=(Mlp((*others, replace(last, bias=last.bias + np.float32(by)))),))


@pytest.fixture
def pair(tmp_path):
    """Files of the shipped DQN of the mountain car, and of the same with values 5 higher."""
    path = SHIPPED / "mountain_car.safetensors"
    checkpoint = load_checkpoint(path, make_world("mountain_car"))
    assert checkpoint.critic_kind is CriticKind.DISCRETE_ACTION_VALUE
    native.save(shifted(checkpoint, 5.0), tmp_path / "high.safetensors")
    return path, tmp_path / "high.safetensors"


def test_a_known_difference_is_in_table_maps_and_summary(cli, pair, tmp_path, without_drawing):
    out = tmp_path / "out"
    status, said, errors = cli("analyze", *pair, *QUICK, "--out", out)
    assert status == 0, errors
    told = json.loads((out / "summary.json").read_text())
    first, second = told["checkpoints"]
    assert (first["label"], second["label"]) == ("mountain_car", "high")
    assert second["mean_return"] == first["mean_return"]
    assert second["q_bias"]["value"] == pytest.approx(first["q_bias"]["value"] + 5, abs=1e-4)
    (difference,) = told["differences"]
    assert difference["from"] == "mountain_car"
    assert difference["q_bias"]["value"] == pytest.approx(5, abs=1e-4)
    assert difference["q_bias"]["differs"]
    assert difference["mean_return"] == {"value": 0, "low": 0, "high": 0, "differs": False}
    with np.load(out / "arrays.npz") as arrays:
        assert arrays["labels"].tolist() == ["mountain_car", "high"]
        assert arrays["value"].shape == (2, 16, 16)
        assert arrays["value"][1] - arrays["value"][0] == pytest.approx(np.full((16, 16), 5), abs=1e-4)
        assert arrays["difference_value"][0] == pytest.approx(np.full((16, 16), 5), abs=1e-4)
        assert (arrays["difference_truth"] == 0).all()
    line = next(line for line in said.splitlines() if "q_bias " in line)
    assert line.count("*") == 1
    assert "*" not in next(line for line in said.splitlines() if "mean_return " in line)
    page = (out / "report.html").read_text()
    assert page.count("data:image/png") == 2
    assert "high less mountain_car: q_bias +5" in page


def test_each_has_a_folder_with_what_a_single_analysis_writes(cli, pair, tmp_path, without_drawing):
    assert cli("analyze", *pair, *QUICK, "--out", tmp_path / "both")[0] == 0
    assert cli("analyze", pair[1], *QUICK, "--out", tmp_path / "alone")[0] == 0
    names = [{path.name for path in (tmp_path / each).iterdir()} for each in ("both/high", "alone")]
    assert names[0] == names[1]
    numbers = [json.loads((tmp_path / each / "summary.json").read_text()) for each in ("both/high", "alone")]
    assert numbers[0]["q_bias"] == numbers[1]["q_bias"]
    assert numbers[0]["places"] == numbers[1]["places"]
    status, said, _ = cli("compare", *(tmp_path / each / "summary.json" for each in ("both/high", "alone")))
    assert status == 0
    assert "no number is worse" in said
    status, _, errors = cli("compare", tmp_path / "both/summary.json", tmp_path / "alone/summary.json")
    assert status == 2
    assert "both/summary.json: is an analysis of several checkpoints" in errors


@pytest.mark.parametrize(("second", "said"), [
    (SHIPPED / "pendulum.safetensors", "pendulum.safetensors: was trained for world pendulum"),
    (SHIPPED / "mountain_car.safetensors", "mountain_car.safetensors: is named twice"),
    (SHIPPED, "checkpoints: is a folder"),
    ("nowhere.zip", "nowhere.zip: there is no such file"),
])  # fmt: skip
def test_files_that_cannot_be_compared_are_refused_before_anything_runs(cli, tmp_path, second, said):
    status, out, errors = cli("analyze", SHIPPED / "mountain_car.safetensors", second, *QUICK)
    assert status == 2
    assert said in errors
    assert len(errors.strip().splitlines()) <= 2
    assert out == ""
    assert not (tmp_path / "runs").exists()


def test_another_checkpoint_may_be_named_by_a_setting(cli, pair, tmp_path, without_drawing):
    one, other = pair
    cli("analyze", one, *QUICK, "--set", f"insight.compare_with={other}", "--out", tmp_path / "out")
    labels = [
        each["label"] for each in json.loads((tmp_path / "out/summary.json").read_text())["checkpoints"]
    ]
    assert labels == ["mountain_car", "high"]


def models(*checkpoints):
    return [Model(f"model {at}", f"{at}.zip", each, f"{at}.zip") for at, each in enumerate(checkpoints)]


def test_progress_is_of_the_whole_and_names_the_checkpoint():
    told = []
    plan = Plan(episodes=4, cells=8, rollouts=2)
    analyze_several(
        models(always_on(), always_on()),
        own_plane(Chain()),
        plan,
        lambda what, share: told.append((what, share)) is None,
    )
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert told[0][0].startswith("model 0 (1 of 2): ")
    assert told[-1][0].startswith("model 1 (2 of 2): ")
    assert min(share for what, share in told if what.startswith("model 1")) >= 0.5


def test_what_is_done_is_kept_if_interrupted():
    plan = Plan(episodes=4, cells=8, rollouts=2)
    found = analyze_several(
        models(always_on(), always_on(), always_on()), own_plane(Chain()), plan, lambda _, share: share < 0.4
    )
    assert not found.complete
    assert [each.label for each in found.models] == ["model 0"]  # the second's episodes were cut short
    assert several_verdict(found)[-1].startswith("Interrupted")
    assert len(several_table(found)[0]) == 2


def test_other_discounts_are_said():
    plan = Plan(episodes=4, cells=8, rollouts=2)
    pair = models(replace(always_on(), gamma=0.9), replace(always_on(), gamma=0.5))
    found = analyze_several(pair, own_plane(Chain()), plan)
    assert "model 1 has gamma 0.5, model 0 0.9" in several_verdict(found)[0]


def test_an_error_names_the_file(monkeypatch):
    def refuse(*_):
        raise UsageError("no step has both")

    monkeypatch.setattr("valuescape.analysis.several.analyze", refuse)
    with pytest.raises(UsageError, match=r"0\.zip: no step has both"):
        analyze_several(models(always_on()), own_plane(Chain()), Plan())


def test_maps_are_on_the_same_colours():
    """And the pictures show them: the critic that promises more is brighter."""
    plan = Plan(episodes=4, cells=8, rollouts=2)
    found = analyze_several(models(chain_critic(0, -6), chain_critic(0, 2)), own_plane(Chain()), plan)
    panels = common_panels(found.models)
    for name in ("value", "truth", "error"):
        ranges = {(panels[f"model {at} {name}"].low, panels[f"model {at} {name}"].high) for at in (0, 1)}
        assert len(ranges) == 1, name
    shown = {name: panels[name] for name in ("model 0 value", "model 1 value")}
    with Image.open(BytesIO(as_png(figure(found.models[0].found.maps, shown)))) as picture:
        halves = np.array_split(np.asarray(picture.convert("L"), float), 2, axis=1)
    assert halves[1].mean() > halves[0].mean() + 5
    assert panels["model 0 value"].low <= min(panels[f"model {at} value"].field.min() for at in (0, 1))


def test_a_critic_that_diverged_leaves_the_truth_its_colours():
    found = analyze(chain_critic(0, 1e6), own_plane(Chain()), Plan(episodes=4, cells=8, rollouts=2))
    domain = Domain.of([found.maps.value], [found.maps.truth.value])
    truth = found.maps.truth.value
    assert domain.high - domain.low <= 3 * np.ptp(truth) + 1e-9
    assert domain.low <= truth.min() <= truth.max() <= domain.high


def test_labels_are_as_short_as_they_can_be():
    assert labels_of(["a/x.zip", "b/y.safetensors"]) == ["x", "y"]
    assert labels_of(["a/x.zip", "b/x.zip"]) == ["a/x", "b/x"]
    assert labels_of(["a/x.zip", "a/x.safetensors"]) == ["x.zip", "x.safetensors"]
    assert labels_of(["v1.5", "v1.6"]) == ["v1.5", "v1.6"]
    with pytest.raises(UsageError, match="is named twice"):
        labels_of(["x.zip", "./x.zip"])
