"""Mutations of bytes, text, zips, and trees of lists and dicts."""

import copy
import json
import random
import zipfile
from io import BytesIO

ESC = "\x1b[31mred\x1b[0m"
DEEP = 3000

NUMBERS = (-1, 2**31, 2**63, 10**20, 10**308, 10**400, -(10**400), 1e300, 1e-300, 5e-324, float("inf"))
VALUES = [
    *(None, True, False, -1, 0, 1, 2, 2**31, 2**63, 2**64, -(2**70), 10**400, 0.5, -0.0, 1e300, -1e300),
    *(
        float("nan"),
        float("inf"),
        "",
        "x",
        "auto",
        "0",
        "nan",
        ESC,
        "two\nlines",
        "\u202eright to left",
        "\0",
    ),
    *("~nosuchuser/x", "/", ".", "..", "/dev/null", "y" * 300, "z" * 5000, "ü" * 90, "[red]markup[/]"),
    *([], [1], [[]], {}, {"a": 1}, {"": {}}, [None, "x", 3], {ESC: ESC}),
]


def spoilt_bytes(rng: random.Random, content: bytes) -> bytes:
    """Return a copy with bytes flipped, removed, inserted, repeated or cut off."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 5, 20))):
        at = rng.randrange(len(data) + 1)
        span = rng.choice((1, 1, 2, 4, 8, 64))
        match rng.randrange(7):
            case 0:
                del data[at:]
            case 1:
                del data[at : at + span]
            case 2:
                data[at:at] = data[at : at + span] * rng.choice((1, 2, 100))
            case 3:
                data[at:at] = rng.randbytes(span)
            case 4:
                data[at : at + span] = bytes(rng.choice((b"\0", b"\xff", b"\x7f")) * span)
            case _:
                if at < len(data):
                    data[at] ^= 1 << rng.randrange(8)
    return bytes(data)


def spoilt_tree(rng: random.Random, tree: object) -> object:
    """Return a copy of a tree with values replaced, removed, added or repeated."""
    root = [copy.deepcopy(tree)]
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        holder, key = rng.choice([*_places(root)])
        match rng.randrange(10):
            case 0 if holder is not root:
                del holder[key]
            case 1 if isinstance(holder[key], dict):
                holder[key][rng.choice(("new", ESC, "", "n" * 300))] = rng.choice(VALUES)
            case 2 if isinstance(holder[key], list):
                holder[key] *= rng.choice((0, 2, 50))
            case 3 if isinstance(holder[key], str):
                holder[key] = spoilt_text(rng, holder[key])
            case 4 if isinstance(holder[key], int | float) and not isinstance(holder[key], bool):
                holder[key] = rng.choice((-holder[key], 0, 2 * holder[key], *NUMBERS))
            case _:
                holder[key] = copy.deepcopy(rng.choice(VALUES))
    return root[0]


def _places(holder: object) -> list:
    """Return every (list or dict, index or key) of a tree."""
    keys = (
        range(len(holder)) if isinstance(holder, list) else list(holder) if isinstance(holder, dict) else ()
    )
    return [place for key in keys for place in ((holder, key), *_places(holder[key]))]


def spoilt_text(rng: random.Random, text: str) -> str:
    """Return text with some characters replaced."""
    at = rng.randrange(len(text) + 1)
    end = at + rng.choice((0, 1, 4))
    return text[:at] + rng.choice(("", "0", "-", ESC, "\n", "\0", "e9", "[", '"', "x" * 400)) + text[end:]


def spoilt_json(rng: random.Random, tree: object) -> bytes:
    """Return JSON of a mutated tree, sometimes with mutated text."""
    text = json.dumps(spoilt_tree(rng, tree))
    match rng.randrange(12):
        case 0:
            text = spoilt_text(rng, text)
        case 1:
            at = rng.choice([0, *(index for index, each in enumerate(text) if each == ":")])
            text = text[: at + 1] + rng.choice(("[", '{"a":')) * rng.choice((20, DEEP)) + text[at + 1 :]
        case 2:
            text = text.replace("1", "1" * rng.choice((400, 5000)), 1)
    return text.encode("utf-8", "surrogatepass")


def members_of(content: bytes) -> dict[str, bytes]:
    """Return the members of a zip file by name."""
    with zipfile.ZipFile(BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zip_of(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip file with these members."""
    file = BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def spoilt_zip(rng: random.Random, content: bytes) -> bytes:
    """Return a zip with a mutated header field, a lost or renamed member, or mutated bytes."""
    match rng.randrange(4):
        case 0:
            members = members_of(content)
            name = rng.choice([*members])
            moved = members.pop(name)
            if rng.randrange(2):
                members[rng.choice(("x", ESC, "../x", name + "x"))] = moved
            return zip_of(members, rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)))
        case 1:
            return spoilt_bytes(rng, content)
    mark = rng.choice((b"PK\x01\x02", b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06"))
    starts = [at for at in range(len(content)) if content.startswith(mark, at)]
    if not starts:
        return spoilt_bytes(rng, content)
    data, at = bytearray(content), rng.choice(starts) + rng.randrange(4, 46)
    data[at : at + 1] = bytes([rng.randrange(256)])
    return bytes(data)
