"""The native format: loading gives what was saved; unsound files are refused in a sentence."""

import json
import subprocess
import sys
from dataclasses import fields, replace

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from sample_checkpoints import dqn_checkpoint, qrdqn_checkpoint, sac_checkpoint, tqc_checkpoint

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats import native as store
from valuescape.sim.policy.network import Checkpoint

ARRAYS = ("actor", "critics", "quantile_layers", "action_low", "action_high", "obs_normalization")


def assert_equal(a: Checkpoint, b: Checkpoint) -> None:
    for field in fields(Checkpoint):
        left, right = getattr(a, field.name), getattr(b, field.name)
        if field.name in ARRAYS:
            np.testing.assert_equal(flat(left), flat(right))
        else:
            assert left == right, field.name


def flat(value):
    if isinstance(value, tuple):
        return [flat(item) for item in value]
    if hasattr(value, "__dataclass_fields__"):
        return [flat(getattr(value, field.name)) for field in fields(value)]
    return value


@pytest.mark.parametrize(
    "checkpoint",
    [
        sac_checkpoint(),
        sac_checkpoint(normalized=True),
        dqn_checkpoint(),
        qrdqn_checkpoint(),
        tqc_checkpoint(),
    ],
    ids=["sac", "normalized", "dqn", "qr-dqn", "tqc"],
)
def test_what_is_saved_comes_back(checkpoint, tmp_path):
    path = tmp_path / "new" / "a.safetensors"
    store.save(checkpoint, path)
    loaded = store.load(path)
    assert_equal(loaded, checkpoint)
    assert not loaded.actor.layers[0].weight.flags.writeable
    assert [file.name for file in path.parent.iterdir()] == ["a.safetensors"]


def test_loading_does_not_import_torch(tmp_path):
    store.save(sac_checkpoint(), tmp_path / "a.safetensors")
    code = (
        "import sys; from pathlib import Path; from valuescape.sim.policy.loading import load_checkpoint;"
        "from valuescape.sim.policy.inference import BatchPolicy;"
        "from valuescape.sim.worlds import make_world;"
        f"load_checkpoint(Path({str(tmp_path / 'a.safetensors')!r}), make_world('point_mass'));"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def tampered(tmp_path, metadata=None, tensors=None, checkpoint=None):
    """Save a checkpoint, then save it again with entries changed (None removes one)."""
    path = tmp_path / "a.safetensors"
    store.save(checkpoint or sac_checkpoint(normalized=True), path)
    old = json.loads(path.read_bytes()[8 : 8 + int.from_bytes(path.read_bytes()[:8], "little")])
    new_metadata = {**old["__metadata__"], **(metadata or {})}
    new_tensors = {**load_file(path), **(tensors or {})}
    save_file(
        {name: tensor for name, tensor in new_tensors.items() if tensor is not None},
        path,
        {key: text for key, text in new_metadata.items() if text is not None},
    )
    return path


F32 = np.float32
METADATA = {
    "format": ("other", "format: other"),
    "version": ("3", "version is 3, expected 1 or 2"),
    "algorithm": (None, "algorithm is absent"),
    "obs_dim": ("two", "obs_dim is two"),
    "gamma": ("nan", "gamma is nan"),
    "actor_head": ("mystery", "actor_head is mystery"),
    "critic_kind": ("v", "critic 0 layer 0: weight has shape [16, 3], expected 2 inputs"),
    "actor": ("[]", "actor is []"),
    "critics": ("{", "critics is {"),
    "obs_normalization": ('{"clip": "x"}', "obs_normalization is"),
    "training": ('{"loot": 1}', "training is"),
}


@pytest.mark.parametrize("key", METADATA)
def test_bad_metadata_is_refused_by_key(key, tmp_path):
    text, message = METADATA[key]
    with pytest.raises(UsageError, match=r"a\.safetensors") as caught:
        store.load(tampered(tmp_path, {key: text}))
    assert message in str(caught.value)


TENSORS = {
    "actor.0.weight": (np.full((16, 2), np.nan, F32), "actor.0.weight has 32 of 32 values that are NaN"),
    "actor.1.weight": (np.zeros((16, 5), F32), "actor layer 1: weight has shape [16, 5], expected 16 inputs"),
    "actor.2.bias": (np.zeros(2, F32), "actor layer 2: bias has shape [2], expected [1]"),
    "critics.1.0.weight": (None, "critics.1.0.weight is missing"),
    "critics.0.0.bias": (np.zeros(16, np.int32), "critics.0.0.bias is I32, expected F32"),
    "action.low": (np.full(1, 9, F32), "bounds [9.0] to [5.0]"),
    "obs.mean": (np.zeros(3, F32), "observation statistics have shapes [3]"),
    "obs.std": (np.zeros(2, F32), "must be more than 0"),
}


@pytest.mark.parametrize("name", TENSORS)
def test_bad_tensors_are_refused_by_name(name, tmp_path):
    tensor, message = TENSORS[name]
    with pytest.raises(UsageError, match=r"a\.safetensors") as caught:
        store.load(tampered(tmp_path, tensors={name: tensor}))
    assert message in str(caught.value)


QUANTILES = {
    "quantiles.1.weight": (None, "quantiles.1.weight is missing"),
    "quantiles.2.bias": (np.zeros(4, F32), "quantiles of critic 2 layer 0: bias has shape [4], expected [5]"),
    "quantiles.0.weight": (np.zeros((5, 16), F32), "quantiles of critic 0: their mean is not the critic's"),
    "quantiles.0.bias": (np.full(5, np.nan, F32), "quantiles.0.bias has 5 of 5 values that are NaN"),
}


@pytest.mark.parametrize("name", QUANTILES)
def test_bad_quantiles_are_refused_by_name(name, tmp_path):
    tensor, message = QUANTILES[name]
    with pytest.raises(UsageError, match=r"a\.safetensors") as caught:
        store.load(tampered(tmp_path, tensors={name: tensor}, checkpoint=tqc_checkpoint()))
    assert message in str(caught.value)


@pytest.mark.parametrize("keep", [0, 4, 8, 100, -1])
def test_a_file_cut_short_is_refused(keep, tmp_path):
    path = tmp_path / "a.safetensors"
    store.save(sac_checkpoint(), path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(UsageError, match="no sound safetensors"):
        store.load(path)


def test_an_absurdly_large_file_is_refused_unread(tmp_path):
    path = tmp_path / "a.safetensors"
    with path.open("wb") as file:
        file.truncate(store.MAX_BYTES + 1)
    with pytest.raises(UsageError, match="expected at most 64"):
        store.load(path)


def test_nan_weights_cannot_be_saved_over_a_sound_file(tmp_path):
    path = tmp_path / "a.safetensors"
    store.save(sac_checkpoint(), path)
    before = path.read_bytes()
    sound = sac_checkpoint()
    first, *others = sound.actor.layers
    broken = replace(first, weight=first.weight * np.float32(np.nan))
    with pytest.raises(UsageError, match=r"actor\.0\.weight has 32 of 32 values that are NaN"):
        store.save(replace(sound, actor=replace(sound.actor, layers=(broken, *others))), path)
    with pytest.raises(UsageError, match="gamma is nan"):
        store.save(replace(sound, gamma=float("nan")), path)
    assert path.read_bytes() == before


def test_an_unwritable_place_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        store.save(sac_checkpoint(), tmp_path / "file" / "a.safetensors")
    for place in (tmp_path, tmp_path / "file" / "a.safetensors"):
        with pytest.raises(UsageError, match="cannot be written"):
            store.check_writable(place)
    store.check_writable(tmp_path / "new" / "a.safetensors")
    assert not list((tmp_path / "new").iterdir())
