"""What `analyze` refuses, in a sentence and before anything runs."""

import json
import zipfile
from io import BytesIO

import gymnasium
import pytest
import torch
from analyses import QUICK, SHIPPED
from stable_baselines3 import SAC


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
