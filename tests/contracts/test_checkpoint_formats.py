"""The contract of checkpoint formats, over all that are registered and the stub.

A new format takes its place in `SOUND`, with a function that writes one of its files; files with parts that
not all have are in `MORE`. Files of other libraries are those in tests/sim/policy/libraries.
"""

import importlib
import json
import os
import pickle
import pkgutil
import random
import shutil
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from library_files import CASES
from mutations import members_of, spoilt_bytes, zip_of
from sample_checkpoints import sac_checkpoint, tqc_checkpoint

from valuescape.sim.errors import LINE_LENGTH, UsageError, lines_of
from valuescape.sim.policy import formats
from valuescape.sim.policy.formats import native, stub
from valuescape.sim.policy.formats.detect import find_model, format_of
from valuescape.sim.policy.formats.given import Given
from valuescape.sim.policy.formats.known import FORMATS
from valuescape.sim.policy.formats.registry import Format, Lack, Probe, Registry
from valuescape.sim.policy.inference import BatchPolicy, value
from valuescape.sim.policy.loading import load_checkpoint
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.policy.world_fit import check_world, with_bounds
from valuescape.sim.worlds import ContinuousAction, make_world

WORLD = "point_mass"
MUTATIONS = 60
WITHOUT_CHECKSUM = {"onnx"}
"""Formats whose small files are mostly numbers, which nothing in the file protects."""


def write_native(path: Path) -> None:
    native.save(sac_checkpoint(width=4, normalized=True), path)


def write_sb3(path: Path) -> None:
    from stable_baselines3 import SAC

    from valuescape.envs.world_env import WorldEnv

    env = WorldEnv(make_world(WORLD))
    SAC("MlpPolicy", env, policy_kwargs={"net_arch": [4]}, buffer_size=10, device="cpu").save(path)


def write_tqc(path: Path) -> None:
    from sb3_contrib import TQC

    from valuescape.envs.world_env import WorldEnv

    options = {"net_arch": [4], "n_quantiles": 3}
    env = WorldEnv(make_world(WORLD))
    TQC("MlpPolicy", env, policy_kwargs=options, buffer_size=10, device="cpu").save(path)


def write_native_tqc(path: Path) -> None:
    native.save(tqc_checkpoint(width=4), path)


def write_torchscript(path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.script(torch.nn.Linear(2, 1)).save(path)


def write_sbx_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "data", json.dumps({"policy_class": {"__module__": "sbx.sac.policies"}, "gamma": 0.99})
        )
        archive.writestr("pytorch_variables.pth", b"")


def write_stub(path: Path) -> None:
    fields = {"actor": [[0.5, -1.0]], "critic": [1.0, 2.0], "low": [-5.0], "high": [5.0], "gamma": 0.9}
    path.write_bytes(b"valuescape-stub\n" + json.dumps(fields).encode())


def written(name: str) -> Callable[[Path], object]:
    return lambda path: shutil.copyfile(CASES[name].file, path)


def smallest_of_each_format() -> list[str]:
    """Return the names of library files, one of each format that needs no other file beside it.

    tests/fuzz damages all of them.
    """
    files = {name: case for name, case in CASES.items() if case.file.parent == case.about.parent}
    files = {name: case for name, case in files.items() if not case.format.folders}
    largest_first = sorted(files, key=lambda name: -files[name].file.stat().st_size)
    return list({files[name].format.name: name for name in largest_first}.values())


OF_LIBRARIES = smallest_of_each_format()
SOUND = {
    "native": write_native,
    "sb3": write_sb3,
    "torchscript": write_torchscript,
    "sbx-zip": write_sbx_zip,
    "stub": write_stub,
}
ALL = {each.name: each for each in (*FORMATS, stub.FORMAT)}
REFUSED = {"sbx-zip"}
"""Formats that are recognised to be refused with advice."""
MORE = {"sb3 of quantiles": write_tqc, "native of quantiles": write_native_tqc}
FILES = [*SOUND, *MORE, *OF_LIBRARIES]


def format_name(name: str) -> str:
    """Return the format's name of one of FILES."""
    return CASES[name].format.name if name in CASES else name.split()[0]


WITH_ACTOR = [name for name in FILES if Lack.ACTOR not in ALL[format_name(name)].lacks]


@pytest.fixture(scope="module")
def contents(tmp_path_factory) -> dict[str, bytes]:
    """The bytes of a sound file of each format."""
    path = tmp_path_factory.mktemp("sound") / "model"
    found = {}
    for name, write in (SOUND | MORE | {each: written(each) for each in OF_LIBRARIES}).items():
        file = path.with_suffix((*ALL[format_name(name)].suffixes, ".pt")[0])  # as its library would name it
        write(file)
        found[name] = file.read_bytes()
    return found


@pytest.fixture(scope="module")
def everything() -> Registry:
    """All formats with the stub, in a registry of their own."""
    registry = Registry()
    for each in ALL.values():
        registry.register(each)
    return registry


def loaded(path: Path, registry: Registry, name: str = "") -> Checkpoint:
    given = CASES[name].given if name in CASES else Given()
    return format_of(path, registry).load(path, given)


def test_every_format_is_registered_and_under_test():
    modules = [each.name for each in pkgutil.walk_packages(formats.__path__, f"{formats.__name__}.")]
    found = [each for name in modules for each in vars(importlib.import_module(name)).values()]
    of_libraries = {case.format.name for case in CASES.values()}
    assert {each.name for each in found if isinstance(each, Format)} == ALL.keys()
    assert ALL.keys() == SOUND.keys() | of_libraries | REFUSED


def test_a_second_registration_is_refused(everything):
    with pytest.raises(ValueError, match="'stub' is registered already"):
        everything.register(stub.FORMAT)


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_recognised_by_its_content_and_by_no_other_format(name, contents, everything, tmp_path):
    for misleading in ("model", "model.zip", "model.safetensors"):
        path = tmp_path / misleading
        path.write_bytes(contents[name])
        probe = Probe(path, contents[name][:256])
        recognised = [each.name for each in everything if not each.folders and each.recognises(probe)]
        assert recognised[0] == format_name(name)
        # Tensors by any name are asked for last; SBX's zips are Stable-Baselines3's but for the policy
        assert recognised[1:] in ([], ["sb3"] if name == "sbx-zip" else ["perceptron"])


@pytest.mark.parametrize("name", [name for name in ALL if not ALL[name].folders])
def test_formats_raise_at_no_file(name, tmp_path):
    """Recognition looks at files of all kinds."""
    rng = random.Random(name)
    starts = (b"", b"PK", b"PK\x03\x04", b"PK\x05\x06", b"\x80\x04", b"{", b"\x00" * 8 + b"{", b"valuescape-")
    for start in starts:
        content = start + rng.randbytes(rng.randrange(400))
        (tmp_path / "file").write_bytes(content)
        assert ALL[name].recognises(Probe(tmp_path / "file", content[:256])) in (True, False)
    assert not ALL[name].recognises(Probe(tmp_path / "nothing", b""))


@pytest.mark.parametrize("name", WITH_ACTOR)
def test_a_checkpoint_acts_and_values_in_its_world(name, contents, everything, tmp_path):
    path, world = tmp_path / "model", make_world(CASES[name].said["world"] if name in CASES else WORLD)
    path.write_bytes(contents[name])
    checkpoint = loaded(path, everything, name)
    check_world(checkpoint, world, path)
    checkpoint, _ = with_bounds(checkpoint, world, path)
    obs = np.random.default_rng(0).standard_normal((len(world.obs), 40), np.float32)
    actions = np.full((world.action.dim, 40), np.nan, np.float32)
    BatchPolicy(checkpoint, world.action, 40).act(obs, actions)
    if isinstance(world.action, ContinuousAction):
        assert ((actions >= world.action.low[:, None]) & (actions <= world.action.high[:, None])).all()
    values = value(checkpoint, obs)
    assert values.shape == (40,)
    assert np.isfinite(values).all()
    assert len(np.unique(values)) > 1
    assert (checkpoint.world == "") == (Lack.WORLD in ALL[format_name(name)].lacks)
    if name not in CASES:
        assert len(checkpoint.quantile_layers) == (len(checkpoint.critics) if name in MORE else 0)
    assert not any(layer.weight.flags.writeable for layer in checkpoint.actor.layers)


@pytest.mark.parametrize("name", set(FILES) - set(WITH_ACTOR) - {"sbx-zip"})
def test_a_format_without_an_actor_names_its_setting(name, contents, tmp_path):
    path = tmp_path / "model"
    path.write_bytes(contents[name])
    with pytest.raises(UsageError, match=r"(?s)model: .*set policy\."):
        load_checkpoint(path, make_world(WORLD))


def refusal_of(path: Path, registry: Registry, name: str) -> str | None:
    """Return the message with which a file is refused, None if it is read."""
    try:
        loaded(path, registry, name)
    except UsageError as error:
        return str(error)
    return None


def refused_in_two_lines(path: Path, registry: Registry, name: str) -> bool:
    """Load a file; return whether it is refused, which has to be in one sentence and one hint."""
    said = refusal_of(path, registry, name)
    if said is None:
        return False
    assert path.name in said
    assert len(said.splitlines()) <= 2
    assert all(len(line) <= LINE_LENGTH for line in lines_of(said))
    return True


@pytest.mark.parametrize("name", FILES)
def test_a_file_cut_short_is_refused(name, contents, everything, tmp_path):
    path, content = tmp_path / "model", contents[name]
    for keep in (0, 1, 2, 9, 17, 100, len(content) // 2, len(content) - 25, len(content) - 1):
        path.write_bytes(content[:keep])
        assert refused_in_two_lines(path, everything, name), (
            f"the first {keep} of {len(content)} bytes are read"
        )


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_read_or_refused_in_two_lines(name, contents, everything, tmp_path):
    """Some damage is of numbers, which are as good as others."""
    rng, path = random.Random(name), tmp_path / "model"
    refused = 0
    for _ in range(MUTATIONS):
        path.write_bytes(spoilt_bytes(rng, contents[name]))
        refused += refused_in_two_lines(path, everything, name)
    assert refused > (MUTATIONS // 4 if format_name(name) not in WITHOUT_CHECKSUM else 0)


class Touch:
    """Pickles to a call that makes a folder when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


def with_pickle(content: bytes, call: bytes) -> list[bytes]:
    """Return a file with a pickle in front, behind, and in each place of its own where one can be."""
    found = [call, call + content, content + call, content[:16] + call + content[16:]]
    if not zipfile.is_zipfile(BytesIO(content)):
        return found
    members = members_of(content)
    found += [zip_of(members | {name: call}, zipfile.ZIP_STORED) for name in members]
    for name, inner in members.items():
        if zipfile.is_zipfile(BytesIO(inner)):
            parts = members_of(inner)
            spoilt = [zip_of(parts | {each: call}, zipfile.ZIP_STORED) for each in parts]
            found += [zip_of(members | {name: each}, zipfile.ZIP_STORED) for each in spoilt]
    return found


@pytest.mark.parametrize("name", FILES)
def test_no_pickle_is_run(name, contents, everything, tmp_path):
    path, marker = tmp_path / "model", tmp_path / "marker"
    for content in with_pickle(contents[name], pickle.dumps(Touch(marker))):
        path.write_bytes(content)
        refused_in_two_lines(path, everything, name)
        assert not marker.exists()
    pickle.loads(pickle.dumps(Touch(marker)))
    assert marker.exists()  # the pickle is one that would have done it


def test_recognising_and_listing_formats_imports_no_torch(contents, tmp_path):
    files = {format_name(name): contents[name] for name in FILES}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    code = (
        "import sys; from pathlib import Path; from valuescape.sim.policy.formats.detect import format_of;"
        f"print(*(format_of(Path({str(tmp_path)!r}) / name).name for name in sys.argv[1:]));"
        "sys.exit('torch' in sys.modules)"
    )
    names = [each.name for each in FORMATS if each.name in files]
    ended = subprocess.run([sys.executable, "-c", code, *names], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == names


@pytest.mark.parametrize("name", [each.name for each in FORMATS if each.appended])
def test_a_suffix_that_a_library_appends_may_be_left_out(name, tmp_path):
    (tmp_path / f"model{ALL[name].appended}").write_bytes(b"")
    assert find_model(tmp_path / "model").name == f"model{ALL[name].appended}"
    (tmp_path / "model").write_bytes(b"")
    assert find_model(tmp_path / "model").name == "model"
