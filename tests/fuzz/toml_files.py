"""Fuzzers of configuration files and of `--set`."""

import os
import random
from pathlib import Path

from fuzzing import Subject, reader_of_files
from mutations import ESC, spoilt_bytes, spoilt_text

from valuescape.presets import config_path
from valuescape.run.validate import validate
from valuescape.sim.config.files import Config, load_config
from valuescape.sim.config.toml_writer import config_toml

SECTIONS = {name: list(type(getattr(Config(), name)).model_fields) for name in Config.model_fields}
PLAIN = [
    *(
        "1",
        "0",
        "-1",
        "0.5",
        "true",
        "false",
        "'auto'",
        "'x'",
        '"2d"',
        "200",
        "64",
        "1e3",
        "'random'",
        "'demo'",
    ),
    *("'pendulum'", "'cartpole'", "'pole angle, pole velocity'", "'cart velocity=0.5'", "'fps < 30'"),
]
HOSTILE = [
    *("9" * 25, "9" * 4000, "9" * 5000, "0x" + "f" * 5000, "1" + "0" * 5000 + ".0", "1e400", "nan", "-inf"),
    *(
        "'~nosuchuser/x'",
        "'~'",
        f"'{'p' * 300}'",
        f"'{'p/' * 3000}'",
        "'a/" + "q" * 300 + "/b.zip'",
        '"\\u0000"',
    ),
    *(
        "[" * 50,
        "[" * 3000,
        "[" * 200 + "]" * 200,
        "{a=" * 100,
        "{a=" * 3000,
        "{" + ".".join("a" * 2000) + "=1}",
    ),
    *(
        '"\\u001b[31m"',
        '"\\u202e"',
        '"two\\nlines"',
        "'''\nlong\n'''",
        '"""' + "\\" * 99,
        "'" + "s" * 5000 + "'",
    ),
    *(
        "1979-05-27T07:32:00Z",
        "07:32:00",
        "[1, 'a', {b = 2}]",
        "{}",
        "[]",
        "",
        "=",
        "# nothing",
        '"open',
        "'open",
    ),
    *("'/dev/null'", "'/proc/self/mem'", "'.'", "'fps < '", "'x=1, x=2'", "'gymnasium:'", "'/dev/full'"),
]
LINES = [
    *(
        "a." * 5000 + "a = 1",
        "[" + "a." * 5000 + "a]",
        "[[agents]]",
        "[agents",
        "agents = 1",
        "[]",
        "[ ]",
        "= 1",
    ),
    *(f'"{ESC}" = 1', "# " + "c" * 3000, "\ufeff", "a.b.c = 1", "[agents.count]", "[agents]", "'' = 2", "\\"),
    *('"""' + "x" * 500, "x = '''", "\r", "\x0b", "a = [\n" * 400, "b = {c = 1}\nb.d = 2", '\\"""\n' * 3000),
]


def value(rng: random.Random) -> str:
    return rng.choice(PLAIN if rng.randrange(3) else HOSTILE)


def setting(rng: random.Random) -> tuple[str, str]:
    section = rng.choice([*SECTIONS])
    if rng.randrange(3) == 0:  # texts, which are parsed again
        names = ("policy", "checkpoint"), ("heatmap", "axes"), ("heatmap", "slice"), ("health", "alarms")
        return rng.choice((*names, ("world", "name"), ("policy", "torchscript_critic")))
    return section, rng.choice(SECTIONS[section])


def toml(rng: random.Random) -> bytes:
    lines = []
    for _ in range(rng.choice((1, 1, 2, 5))):
        section, key = setting(rng)
        lines.append(rng.choice((f"[{section}]\n{key} = ", f"{section}.{key} = ")) + value(rng))
    if rng.randrange(4) == 0:
        lines.insert(rng.randrange(len(lines) + 1), rng.choice(LINES))
    if rng.randrange(8) == 0:
        lines = config_toml(load_config(config_path(rng.choice(("demo", "valley", "flock"))))).splitlines()
    content = "\n".join(lines).encode()
    return spoilt_bytes(rng, content) if rng.randrange(3) == 0 else content


def override(rng: random.Random) -> bytes:
    section, key = setting(rng)
    text = f"{section}.{key}={value(rng)}"
    if rng.randrange(4) == 0:
        text = spoilt_text(rng, text)
    if rng.randrange(10) == 0:
        text = rng.choice((*LINES, "=" + text, text.replace(".", "", 1), text + "\n[workers]\ncount=1"))
    content = text.encode()
    return spoilt_bytes(rng, content) if rng.randrange(4) == 0 else content


def subjects(folder: Path) -> list[Subject]:
    def read_override(content: bytes) -> None:
        validate(load_config(config_path("demo"), [os.fsdecode(content)]))

    return [
        Subject("toml", toml, reader_of_files(folder, "my.toml", lambda path: validate(load_config(path)))),
        Subject("set", override, read_override),
    ]
