"""Fuzzer of other libraries' checkpoints: the files in tests/sim/policy/libraries, damaged and made hostile.

A case is a line of JSON, the name of the file and of the part of a folder that is damaged, and the bytes of
that part. Among the damage are pickles that would make a folder if anything ran them.
"""

import json
import os
import pickle
import random
import shutil
import zipfile
from functools import cache
from pathlib import Path

from checkpoint_files import OPCODES
from fuzzing import Subject
from library_files import CASES, Case
from mutations import members_of, spoilt_bytes, spoilt_json, spoilt_zip, zip_of

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats.detect import format_of, is_model
from valuescape.sim.policy.formats.given import Given

_CALL = b"cos\nmkdir\n\x8c\x06marker\x85R"
"""Opcodes that would call os.mkdir."""
_LOOPS = b"]q\x00h\x00a", b"}q\x00X\x01\x00\x00\x00ah\x00s", b")" + b"\x85" * 3000
"""Opcodes of a list in itself, a dict in itself, and a deep tuple."""


class _Maker:
    """Pickles to a call of os.mkdir."""

    def __reduce__(self):
        return os.mkdir, ("marker",)


@cache
def _parts(name: str) -> dict[str, bytes]:
    """Return the file of a case under "", or the files of its folder by their paths inside."""
    file = CASES[name].file
    if file.is_file():
        return {"": file.read_bytes()}
    return {str(path.relative_to(file)): path.read_bytes() for path in file.rglob("*") if path.is_file()}


def foreign(rng: random.Random) -> bytes:
    name = rng.choice([*CASES])
    part = rng.choice([*_parts(name)])
    content = _parts(name)[part]
    spoilt = _spoilt_zip(rng, content) if content.startswith(b"PK") else _spoilt(rng, content)
    return json.dumps([name, part]).encode() + b"\n" + spoilt


def _spoilt(rng: random.Random, content: bytes) -> bytes:
    """Return a file that is no zip, damaged: a header of safetensors, JSON, a pickle or other bytes."""
    choice = rng.randrange(8)
    if choice == 0:
        return pickle.dumps(_Maker(), rng.randrange(6))
    if choice == 1:
        return _with_opcodes(rng, content)
    if content[8:9] == b"{" and choice < 5:
        length = int.from_bytes(content[:8], "little")
        header = spoilt_json(rng, json.loads(content[8 : 8 + length]))
        return len(header).to_bytes(8, "little") + header + content[8 + length :]
    if content[:1] == b"{" and choice < 5:
        return spoilt_json(rng, json.loads(content))
    return spoilt_bytes(rng, content)


def _spoilt_zip(rng: random.Random, content: bytes) -> bytes:
    members = members_of(content)
    name = rng.choice([*members, *(each for each in members if each.endswith((".pkl", ".json", ".npy")))])
    match rng.randrange(6):
        case 0:
            return spoilt_zip(rng, content)
        case 1:
            members[name] = pickle.dumps(_Maker(), rng.randrange(2, 6))
        case 2:
            members[name] = bytes(rng.choice((0, 2**22)))  # a bomb, as zeros shrink 1,000-fold
            return zip_of(members)
        case 3 if name.endswith(("json", "data")) and members[name][:1] == b"{":
            members[name] = spoilt_json(rng, json.loads(members[name]))
        case 4:
            members[name] = spoilt_bytes(rng, members[name])
        case _:
            members[name] = _with_opcodes(rng, members[name])
    return zip_of(members, zipfile.ZIP_STORED)


def _with_opcodes(rng: random.Random, content: bytes) -> bytes:
    """Return bytes with opcodes of pickles inserted, or with numbers of a pickle replaced by great ones."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 5))):
        at = rng.randrange(len(data) + 1)
        match rng.randrange(4):
            case 0:
                data[at:at] = _CALL
            case 1:
                data[at:at] = rng.choice(_LOOPS)
            case 2:
                found = data.find(b"K", at)  # a small integer: a size, a stride or an offset
                data[found : found + 2] = b"J" + rng.choice((2**31 - 1, 2**24, 0)).to_bytes(4, "little")
            case _:
                data[at:at] = b"".join(rng.choices(OPCODES, k=rng.choice((1, 1, 3, 1000))))
    return bytes(data)


def reader(folder: Path):
    """Return what reads a case as the program does: recognises, loads and describes it."""

    def read(content: bytes) -> None:
        line, _, spoilt = content.partition(b"\n")
        name, part = json.loads(line)
        path = _written(folder, CASES[name], part, spoilt)
        before = Path.cwd()
        os.chdir(folder)
        try:
            is_model(path)
            _all_ways(path, CASES[name].given)
        finally:
            os.chdir(before)
            assert not (folder / "marker").exists(), "a pickle was run"

    return read


def _written(folder: Path, case: Case, part: str, content: bytes) -> Path:
    path = folder / f"spoilt{case.file.suffix}"
    if not part:
        path.write_bytes(content)
        return path
    path = folder / f"{case.about.parent.name}-{case.file.name}"
    if not path.exists():
        shutil.copytree(case.file, path)
    for name, sound in _parts(f"{case.about.parent.name}/{case.about.stem}").items():
        if (path / name).read_bytes() != sound:
            (path / name).write_bytes(sound)
    (path / part).write_bytes(content)
    return path


def _all_ways(path: Path, given: Given) -> None:
    """Load and describe a file; raises the last UsageError."""
    refused: UsageError | None = None
    for read in (lambda: format_of(path).contents(path), lambda: format_of(path).load(path, given)):
        try:
            read()
        except UsageError as error:
            refused = error
    if refused:
        raise refused


def subjects(folder: Path) -> list[Subject]:
    return [Subject("foreign", foreign, reader(folder))]
