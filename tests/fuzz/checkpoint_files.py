"""Fuzzers of checkpoints: native safetensors, Stable-Baselines3 zips, VecNormalize pickles."""

import json
import pickle
import random
import struct
import tempfile
import zipfile
from dataclasses import replace
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
from fuzzing import Subject, reader_of_files
from mutations import VALUES, members_of, spoilt_bytes, spoilt_json, spoilt_tree, spoilt_zip, zip_of
from networks import checkpoint_of, random_mlp

from valuescape.presets import configs_dir
from valuescape.sim.policy.formats import native as store
from valuescape.sim.policy.formats.vecnormalize import read_statistics
from valuescape.sim.policy.loading import load_checkpoint
from valuescape.sim.policy.network import ActorHead, ObsNormalization
from valuescape.sim.worlds import make_world

OPCODES = [
    bytes([each])
    for each in b"(.0123456789NFGHIJKLMQRSTUVX]}abcdeghijlopqrstu\x80\x81\x85\x88\x8c\x93\x94\x95"
]


@cache
def _safetensors() -> list[tuple[dict, bytes]]:
    """Return headers and tensors of a shipped checkpoint, and of one with every optional part."""
    shipped = configs_dir() / "checkpoints" / "point_mass.safetensors"
    obs = [np.array([1.0, 2.0], np.float32)] * 2
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "made.safetensors"
        actor = random_mlp((2, 3, 1), clip=2.0)
        checkpoint = checkpoint_of(actor, ActorHead.CLIPPED, ObsNormalization(*obs, 10.0))
        one = np.ones(1, np.float32)
        store.save(replace(checkpoint, action_low=-one, action_high=one), made)
        return [_parts(path.read_bytes()) for path in (shipped, made)]


def _parts(content: bytes) -> tuple[dict, bytes]:
    length = struct.unpack("<Q", content[:8])[0]
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def safetensors(rng: random.Random) -> bytes:
    header, tensors = rng.choice(_safetensors())
    match rng.randrange(10):
        case 0:
            return _join(json.dumps(header).encode(), spoilt_bytes(rng, tensors))
        case 1:
            return spoilt_bytes(rng, _join(json.dumps(header).encode(), tensors)[:4096])
        case 2:
            return _join(spoilt_json(rng, header), tensors)
    about = dict(header["__metadata__"])
    key = rng.choice([*about])
    try:
        about[key] = spoilt_json(rng, json.loads(about[key])).decode(errors="replace")
    except ValueError:
        about[key] = str(rng.choice(VALUES[:40]))
    return _join(json.dumps(header | {"__metadata__": about}).encode(), tensors)


def _join(header: bytes, tensors: bytes) -> bytes:
    return struct.pack("<Q", len(header)) + header + tensors


@cache
def _sb3() -> tuple[list[bytes], bytes]:
    """Return the smallest PPO and SAC models as zips, and a pickled VecNormalize."""
    from stable_baselines3 import PPO, SAC
    from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

    from valuescape.envs.world_env import WorldEnv

    made = VecNormalize(DummyVecEnv([lambda: WorldEnv(make_world("point_mass"))]))
    small = {"net_arch": [4]}
    models = [
        PPO("MlpPolicy", made, policy_kwargs=small, n_steps=8, batch_size=8, device="cpu"),
        SAC("MlpPolicy", made, policy_kwargs=small, buffer_size=10, device="cpu"),
    ]
    files = [BytesIO() for _ in models]
    for model, file in zip(models, files, strict=True):
        model.save(file)
    return [file.getvalue() for file in files], pickle.dumps(made)


def sb3_zip(rng: random.Random) -> bytes:
    content = rng.choice(_sb3()[0])
    members = members_of(content)
    match rng.randrange(5):
        case 0:
            return spoilt_zip(rng, content)
        case 1:
            members["policy.pth"] = spoilt_bytes(rng, members["policy.pth"])
        case 2:
            members["policy.pth"] = spoilt_zip(rng, members["policy.pth"])
        case _:
            members["data"] = spoilt_json(rng, json.loads(members["data"]))
    return zip_of(members, zipfile.ZIP_STORED)


def vecnormalize(rng: random.Random) -> bytes:
    content = _sb3()[1]
    if rng.randrange(2):
        return spoilt_bytes(rng, content)
    if rng.randrange(4) == 0:
        return pickle.dumps(spoilt_tree(rng, {"obs_rms": {"mean": [1.0]}, "clip_obs": 3}), rng.randrange(6))
    data = bytearray(content)
    for _ in range(rng.choice((1, 2, 5))):
        at = rng.randrange(len(data))
        data[at:at] = b"".join(rng.choices(OPCODES, k=rng.choice((1, 1, 3, 1000))))
    return bytes(data)


def subjects(folder: Path) -> list[Subject]:
    world = make_world("point_mass")

    def load(path: Path) -> object:
        return load_checkpoint(path, world)

    return [
        Subject("safetensors", safetensors, reader_of_files(folder, "a.safetensors", load)),
        Subject("sb3", sb3_zip, reader_of_files(folder, "a.zip", load)),
        Subject("vecnormalize", vecnormalize, reader_of_files(folder, "a.pkl", read_statistics)),
    ]
