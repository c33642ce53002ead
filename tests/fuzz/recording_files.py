"""The fuzzer of recordings, read as by `replay`."""

import json
import random
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
from fuzzing import Subject, reader_of_files
from mutations import members_of, spoilt_bytes, spoilt_json, spoilt_zip, zip_of

from valuescape.presets import config_path
from valuescape.recordings.recording import Recording, RunRecorder
from valuescape.recordings.replay import other_versions
from valuescape.recordings.simulate import simulate
from valuescape.run.validate import validate
from valuescape.sim.config.files import load_config
from valuescape.sim.engine import Engine

SMALL = (
    "agents.count=5",
    "trails.length=4",
    "workers.count=0",
    "features.simd=false",
    "policy.checkpoint=random",
)
DTYPES = (
    "<f8",
    "|O",
    "|S9",
    "<U4",
    "V7",
    "<M8[s]",
    [("a", "<f4"), ("b", "|O")],
    "x" * 300,
    "<f4",
    "|b1",
    ">c16",
)
SHAPES = (
    "(4, 5)",
    "()",
    "(0,)",
    "(-1,)",
    "(10**9, 10**9)",
    "(5,)",
    "'x'",
    "None",
    "((((" * 50,
    "(4, 5, 1)",
    "[4]",
)


def record(folder: Path) -> tuple[bytes, dict[str, np.ndarray]]:
    """Return a small recording, and the arrays of its last tick."""
    config, path = load_config(config_path("demo"), SMALL), folder / "sound.vsz"
    arrays: dict[str, np.ndarray] = {}
    with RunRecorder(path, config, None, 3) as recorder:

        def keep(engine: Engine) -> None:
            recorder.add(engine)
            arrays.update({name: array.copy() for name, array in engine.tick_arrays().items()})

        simulate(config, None, [0, 1, 2], keep)
    return path.read_bytes(), arrays


def forged_array(rng: random.Random, content: bytes) -> bytes:
    """Return an `.npy` file of another type or shape, or with a mutated header."""
    file = BytesIO()
    match rng.randrange(4):
        case 0:
            shape = rng.choice(((4, 5), (5, 4), (0,), (), (1, 1, 1)))
            np.save(file, np.zeros(shape, rng.choice((np.float64, np.int8, np.complex64, "U3", "M8[s]"))))
            return file.getvalue()
        case 1:
            np.save(file, np.array([{"a": 1}, None], object), allow_pickle=True)
            return file.getvalue()
        case 2:
            descr, shape = rng.choice(DTYPES), rng.choice(SHAPES)
            head = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}}}\n"
            return b"\x93NUMPY\x01\0" + len(head).to_bytes(2, "little") + head.encode() + bytes(80)
    return spoilt_bytes(rng, content)


def subjects(folder: Path) -> list[Subject]:
    sound, arrays = record(folder)

    def make(rng: random.Random) -> bytes:
        members = members_of(sound)
        match rng.randrange(4):
            case 0:
                return spoilt_zip(rng, sound)
            case 1:
                name = rng.choice([each for each in members if each.endswith(".npy")])
                members[name] = forged_array(rng, members[name])
            case _:
                members["recording.json"] = spoilt_json(rng, json.loads(members["recording.json"]))
        return zip_of(members, rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))

    def read(path: Path) -> None:
        with Recording(path) as recording:
            other_versions(recording)
            for sample in recording.about.samples:
                for _ in recording.rows(sample.tick, arrays) if sample.rows else ():
                    pass
            validate(recording.about.config)

    return [Subject("recordings", make, reader_of_files(folder, "a.vsz", read))]
