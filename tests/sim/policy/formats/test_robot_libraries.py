"""What files of robot libraries are refused for, and how that is said."""

import pickle
import shutil
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from library_files import CASES

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats.detect import format_of
from valuescape.sim.policy.formats.given import Given
from valuescape.sim.policy.network import Activation, ActorHead

STATED = Given(activation=Activation.ELU, gamma=0.9, squash=False, head=ActorHead.CLIPPED)


def layers(prefix: str, *sizes: int) -> dict[str, torch.Tensor]:
    """Return the tensors of a Sequential with an activation between each two layers."""
    found = {}
    for index, (inputs, outputs) in enumerate(pairwise(sizes)):
        found[f"{prefix}.{2 * index}.weight"] = torch.randn(outputs, inputs)
        found[f"{prefix}.{2 * index}.bias"] = torch.randn(outputs)
    return found


def recurrent(prefix: str, inputs: int, size: int) -> dict[str, torch.Tensor]:
    """Return the tensors of an LSTM."""
    return {
        f"{prefix}.weight_ih_l0": torch.randn(4 * size, inputs),
        f"{prefix}.weight_hh_l0": torch.randn(4 * size, size),
    }


def rsl_rl(**more: torch.Tensor) -> dict[str, object]:
    model = {"std": torch.ones(2)} | layers("actor", 4, 8, 2) | layers("critic", 4, 8, 1)
    return {"model_state_dict": model | more, "optimizer_state_dict": {}, "iter": 1}


def rl_games(**more: object) -> dict[str, object]:
    model = layers("a2c_network.actor_mlp", 4, 8) | {"a2c_network.sigma": torch.zeros(2)}
    for name, outputs in (("mu", 2), ("value", 1)):
        model |= {f"a2c_network.{name}.weight": torch.randn(outputs, 8)}
        model |= {f"a2c_network.{name}.bias": torch.randn(outputs)}
    return {"model": model, **more}


def skrl(policy: dict[str, torch.Tensor]) -> dict[str, object]:
    policy = {"log_std_parameter": torch.zeros(2)} | policy
    return {"policy": policy, "value": layers("net", 4, 8, 1), "optimizer": {}}


def refused(tmp_path: Path, content: object) -> str:
    path = tmp_path / "model.pt"
    torch.save(content, path)
    with pytest.raises(UsageError) as raised:
        format_of(path).load(path, STATED)
    assert str(path) in str(raised.value)
    return f"{format_of(path).name}: {raised.value}"


def test_recurrent_networks_are_refused_by_name(tmp_path):
    memory = recurrent("memory_a.rnn", 4, 8)
    assert "rsl_rl" in (said := refused(tmp_path, rsl_rl(**memory)))
    assert "recurrent" in said
    content = rl_games()
    content["model"] |= recurrent("a2c_network.rnn.rnn", 4, 8)
    assert "recurrent" in refused(tmp_path, content)
    assert "recurrent" in refused(tmp_path, skrl(layers("net", 4, 8, 2) | recurrent("lstm", 4, 8)))


def test_normalisation_between_layers_is_refused(tmp_path):
    strange = {"net.1.weight": torch.ones(8), "net.1.bias": torch.ones(8)}
    assert "layer normalisation" in refused(tmp_path, skrl(layers("net", 4, 8, 2) | strange))


def test_a_critic_of_other_observations_is_inspected_and_not_loaded(tmp_path):
    content = rsl_rl()
    content["model_state_dict"] |= layers("critic", 7, 8, 1)
    assert "observes 7 numbers, its actor 4" in refused(tmp_path, content)
    contents = format_of(tmp_path / "model.pt").contents(tmp_path / "model.pt")
    assert [each.widths for each in contents.networks] == [(4, 8, 2), (7, 8, 1)]
    assert "observes 7 numbers" in contents.refusal


def test_central_values_and_students_are_refused(tmp_path):
    assert "central value" in refused(tmp_path, rl_games(assymetric_vf_nets={"value": torch.ones(2)}))
    student = {"model_state_dict": layers("student", 4, 8, 2) | {"std": torch.ones(2)}, "iter": 1}
    assert "student" in refused(tmp_path, student)


def test_wrappers_of_compiled_and_parallel_modules_are_seen_through(tmp_path):
    path = tmp_path / "model.pt"
    for mark in ("_orig_mod.", "module."):
        content = rl_games()
        content["model"] = {f"{mark}{name}": each for name, each in content["model"].items()}
        torch.save(content, path)
        assert format_of(path).name == "rl_games"
        assert format_of(path).load(path, STATED).obs_dim == 4


def test_sample_factorys_stated_shift_and_scale_have_no_clip_without_statistics(tmp_path):
    """Its ObservationNormalizer clips in running_mean_std alone, which normalize_input=False leaves out."""
    case = CASES["sample_factory/separate"]
    content = torch.load(case.file, weights_only=False)
    content["model"] = {key: each for key, each in content["model"].items() if "obs_normalizer" not in key}
    (tmp_path / "checkpoint_p0").mkdir()
    torch.save(content, path := tmp_path / "checkpoint_p0" / "checkpoint_1.pth")
    (tmp_path / "config.json").write_bytes((case.file.parents[1] / "config.json").read_bytes())
    found = case.format.load(path, case.given).obs_normalization
    assert (found.mean.tolist(), found.std.tolist()) == (pytest.approx([0.3] * 3), [2.0] * 3)
    assert found.clip == float("inf")


def test_a_discount_is_that_of_the_algorithm_a_module_is_in_alone(tmp_path):
    """Folders above a module that was copied elsewhere are another's."""
    case = CASES["rllib/ppo"]
    about = pickle.dumps({"ctor_args_and_kwargs": (({"gamma": 0.97},), {})})
    given = Given(activation=Activation.TANH, head=ActorHead.CLIPPED)
    for parts, said in (("learner_group/learner/rl_module", True), ("some/other/place", False)):
        root = tmp_path / parts.replace("/", "-")
        shutil.copytree(case.file, root / parts / "default_policy")
        (root / "class_and_ctor_args.pkl").write_bytes(about)
        contents = case.format.contents(root / parts / "default_policy", given)
        assert ("gamma" not in [each.field for each in contents.lacking]) is said


def test_a_module_without_its_arguments_asks_for_the_folder(tmp_path):
    path = tmp_path / "module_state.pkl"
    path.write_bytes((CASES["rllib/ppo"].file / "module_state.pkl").read_bytes())
    with pytest.raises(UsageError, match=r"class_and_ctor_args\.pkl.*\n.*whole folder"):
        format_of(path).load(path, STATED)


def test_critics_of_actions_whose_inputs_have_no_order_ask_for_names():
    case = CASES["torchrl/sac"]
    with pytest.raises(UsageError, match="observations before actions"):
        case.format.load(case.file, Given(algorithm="sac", activation=Activation.SILU, gamma=0.9))
