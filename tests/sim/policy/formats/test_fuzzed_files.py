"""Randomly changed files of the native format: they load, or are refused in a short sentence."""

import json
import random

import pytest
from sample_checkpoints import dqn_checkpoint, sac_checkpoint

from valuescape.sim.errors import UsageError, lines_of
from valuescape.sim.policy.formats import native as store
from valuescape.sim.policy.loading import load_checkpoint
from valuescape.sim.worlds import make_world

CASES = 1200
DIGITS = "9" * 5000
VALUES = (
    *("null", "true", "[]", "{}", '""', "0", "-1", "1e999", "NaN", "Infinity", DIGITS, f"-{DIGITS}.5"),
    *("[" * 100_000, '{"a":' * 50_000, '"\\ud800"', '"\x1b[31m"', "[[]]", "[[null]]", "[{}]", "{", ""),
    *('{"clip": 1e400}', '{"clip": -1}', f'{{"seed": {DIGITS}}}', f'{{"mean_return": {DIGITS}}}'),
    *("1" * 70_000, "\x00", "\n" * 300, "true" * 100),
)


def parts(content: bytes) -> tuple[dict, bytes]:
    """Return the header of a file as JSON, and the bytes of its tensors."""
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def joined(header: dict, tensors: bytes) -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + tensors


def with_another_value(rng: random.Random, content: bytes) -> bytes:
    header, tensors = parts(content)
    key = rng.choice(list(header["__metadata__"]))
    header["__metadata__"][key] = rng.choice(VALUES)
    return joined(header, tensors)


def with_another_leaf(rng: random.Random, content: bytes) -> bytes:
    """Change something within a JSON entry of the metadata."""
    header, tensors = parts(content)
    key = rng.choice(["actor", "critics", "training", "obs_normalization", "reward_normalization"])
    text = header["__metadata__"][key]
    start = rng.randrange(len(text))
    stop = rng.randrange(start, min(len(text), start + 12) + 1)
    header["__metadata__"][key] = text[:start] + rng.choice(VALUES)[:9000] + text[stop:]
    return joined(header, tensors)


def with_another_tensor(rng: random.Random, content: bytes) -> bytes:
    header, tensors = parts(content)
    entry = header[rng.choice([name for name in header if name != "__metadata__"])]
    field, value = rng.choice(
        [
            ("dtype", rng.choice(["F64", "I64", "BF16", "F4", "BOOL", "F8_E4M3", "X", ""])),
            ("shape", rng.choice([[], [0], [-1], [2**62, 4], [1] * 70, [1, 0], "x", [1.5]])),
            ("data_offsets", rng.choice([[0, 0], [0, 4], [2**63, 2**64], [8, 4], [0, len(tensors)], None])),
        ]
    )
    entry[field] = value
    return joined(header, tensors)


def with_other_bytes(rng: random.Random, content: bytes) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.randrange(1, 5)):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed[: rng.randrange(len(changed))] if rng.random() < 0.2 else changed)


MUTATIONS = (with_another_value, with_another_leaf, with_another_tensor, with_other_bytes)


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_damaged_checkpoint_is_a_sentence(mutation, tmp_path):
    rng, world = random.Random(mutation.__name__), make_world("point_mass")
    path = tmp_path / "a.safetensors"
    originals = []
    for checkpoint in (sac_checkpoint(width=4, normalized=True), dqn_checkpoint(width=4)):
        store.save(checkpoint, path)
        originals.append(path.read_bytes())
    said = []
    for _ in range(CASES // len(MUTATIONS)):
        path.write_bytes(mutation(rng, rng.choice(originals)))
        try:
            load_checkpoint(path, world)
        except UsageError as error:
            said.append(str(error).replace(str(path), "PATH"))
    assert len(said) > CASES // len(MUTATIONS) // 4
    assert all("PATH" in text for text in said)
    assert max(len(line) for text in said for line in lines_of(text)) <= 200
