"""TorchScript critics, which run only if a setting names their file."""

import warnings

import numpy as np
import pytest
import torch
from torch import nn

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats.torchscript import load_torchscript_critic


def scripted(module: nn.Module, path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.script(module).save(path)
    return path


@pytest.mark.parametrize("flat", [False, True])
def test_a_critic_is_a_function_of_columns(tmp_path, flat):
    linear = nn.Linear(3, 1)
    module = nn.Sequential(linear, nn.Flatten(0)) if flat else linear
    critic = load_torchscript_critic(scripted(module, tmp_path / "critic.pt"), 3)
    obs = np.random.default_rng(0).standard_normal((3, 50), np.float32)
    expected = linear.weight.detach().numpy() @ obs + linear.bias.detach().numpy()[:, None]
    np.testing.assert_allclose(critic(obs), expected[0], atol=1e-5)


def test_what_is_no_critic_of_these_observations_is_refused(tmp_path):
    path = scripted(nn.Linear(3, 1), tmp_path / "critic.pt")
    with pytest.raises(UsageError, match=r"failed on a batch of 7 observations, expected \[n, 4\]"):
        load_torchscript_critic(path, 4)
    with pytest.raises(UsageError, match="failed on a batch"):
        load_torchscript_critic(scripted(nn.Linear(3, 2), tmp_path / "critic.pt"), 3)
    broken = nn.Linear(3, 1)
    nn.init.constant_(broken.bias, torch.nan)
    with pytest.raises(UsageError, match="NaN"):
        load_torchscript_critic(scripted(broken, tmp_path / "critic.pt"), 3)


def test_what_is_no_torchscript_is_refused(tmp_path):
    with pytest.raises(UsageError, match="no such file"):
        load_torchscript_critic(tmp_path / "critic.pt", 3)
    (tmp_path / "critic.pt").write_bytes(b"PK\x03\x04nothing")
    with pytest.raises(UsageError, match="is no TorchScript"):
        load_torchscript_critic(tmp_path / "critic.pt", 3)
