"""Configurations from files and overrides, and the messages about those that do not fit."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from valuescape.sim.config.files import Config, load_config
from valuescape.sim.errors import LINES, UsageError, lines_of
from valuescape.sim.worlds import make_world

CONFIGS = Path(__file__).parents[3] / "configs"


def complaint(*overrides: str, toml: str | bytes | None = None, path: Path | None = None) -> str:
    """Return the message about a configuration, which must be refused in one or two lines."""
    if toml is not None:
        path.write_bytes(toml.encode() if isinstance(toml, str) else toml)
    with pytest.raises(UsageError) as refusal:
        load_config(path, overrides)
    message = str(refusal.value)
    assert len(message.splitlines()) <= 2
    assert len(lines_of(message)) <= LINES
    assert "pydantic" not in message
    return message


@pytest.fixture
def file(tmp_path):
    return tmp_path / "my.toml"


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.toml")), ids=lambda path: path.stem)
def test_every_preset_loads_and_says_what_it_is_for(path):
    config = load_config(path)
    assert make_world(config.world.name, config).name == config.world.name
    summary, hardware = path.read_text(encoding="utf-8").splitlines()[:2]
    assert summary.startswith("# ")
    assert hardware.startswith("# Hardware: ")


def test_there_are_presets():
    assert {path.stem for path in CONFIGS.glob("*.toml")} >= {"demo"}


def test_without_a_file_all_is_as_documented():
    assert load_config(None) == Config()


def test_a_file_changes_what_it_names_and_nothing_else(file):
    file.write_text("[agents]\ncount = 12\n[workers]\ncount = 0\n")
    config = load_config(file)
    assert (config.agents.count, config.workers.count) == (12, 0)
    assert config.model_dump(exclude={"agents", "workers"}) == Config().model_dump(
        exclude={"agents", "workers"}
    )


def test_the_last_override_wins_over_the_file(file):
    file.write_text("[agents]\ncount = 12\n")
    assert load_config(file, ["agents.count=13", "agents.count=14"]).agents.count == 14


@pytest.mark.parametrize(
    ("override", "section", "key", "value"),
    [
        ("world.name=pendulum", "world", "name", "pendulum"),
        ("world.name='pendulum'", "world", "name", "pendulum"),
        ("policy.checkpoint=models/sac 1.zip", "policy", "checkpoint", "models/sac 1.zip"),
        ("policy.checkpoint=a=b.zip", "policy", "checkpoint", "a=b.zip"),
        ("workers.count=auto", "workers", "count", "auto"),
        ("workers.count=3", "workers", "count", 3),
        ("sim.ticks_per_s=0.5", "sim", "ticks_per_s", 0.5),
        ("sim.ticks_per_s=20", "sim", "ticks_per_s", 20),
        ("features.gpu_heatmap=false", "features", "gpu_heatmap", False),
        ("run.seed=18446744073709551615", "run", "seed", 2**64 - 1),
    ],
)
def test_an_override_is_read_as_toml_or_as_a_bare_word(override, section, key, value):
    assert getattr(getattr(load_config(None, [override]), section), key) == value


def test_a_configuration_cannot_be_changed():
    config = load_config(None)
    with pytest.raises(ValidationError, match="frozen"):
        config.agents.count = 3
    with pytest.raises(ValidationError, match="frozen"):
        config.agents = config.agents


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("[workers]\ncuont = 1", "workers.cuont is unknown; did you mean count?"),
        ("[wrokers]\ncount = 1", "wrokers is unknown; did you mean workers?"),
        ("[agents]\nqqq = 1", "agents.qqq is unknown\n  known here: count, size_px"),
        ("[agents]\ncount = 'many'", "agents.count = 'many', expected a whole number from 1 to 4,000,000"),
        ("[agents]\ncount = 0", "agents.count = 0, expected a whole number from 1 to 4,000,000"),
        ("[agents]\ncount = 1.5", "agents.count = 1.5, expected a whole number"),
        ("[agents]\ncount = true", "agents.count = True, expected a whole number"),
        ("[agents]\ncount = '12'", "agents.count = '12', expected a whole number"),
        ("[agents.count]\nx = 1", "agents.count = {'x': 1}, expected a whole number"),
        ("[workers]\ncount = 257", "workers.count = 257, expected 'auto' or a whole number from 0 to 256"),
        ("[workers]\ncount = 'all'", "workers.count = 'all', expected 'auto' or a whole number from 0"),
        (
            "[workers]\nmax_restarts = -1",
            "workers.max_restarts = -1, expected a whole number from 0 to 1,000,000",
        ),
        ("[run]\nseconds = 0", "run.seconds = 0, expected a number, above 0"),
        ("[run]\nrecord = 1", "run.record = 1, expected true or false"),
        ("[sim]\nticks_per_s = nan", "sim.ticks_per_s = nan, expected a number from 0 to 1,000,000"),
        ("[sim]\nticks_per_s = inf", "sim.ticks_per_s = inf, expected a number"),
        ("[render]\nview = '4d'", "render.view = '4d', expected '2d' or '3d'"),
        ("[world]\nname = 3", "world.name = 3, expected text"),
        ("agents = 5", "agents = 5, expected a table: [agents]"),
        ("[[agents]]\ncount = 5", "agents = [{'count': 5}], expected a table: [agents]"),
        ("count = 5", "count is unknown"),
        ("[agents\ncount = 5", "is not valid TOML: Expected ']'"),
        (b"\xff\xfe\x00", "is no text file"),
        ("x = " + "[" * 5000, "is not valid TOML: it is nested more than 8 levels deep"),
        ("x = [\n{a = " * 5000, "is not valid TOML: it is nested more than 8 levels deep"),
        ("a." * 50_000 + "a = 1", "is not valid TOML: it is nested more than 8 levels deep"),
        ('[ "a" . ' * 9, "is not valid TOML: it is nested more than 8 levels deep"),
        ("[agents]\ncount = " + "9" * 5000, "is not valid TOML: a number in it has too many digits"),
        ("[agents]\ncount = 0x" + "f" * 5000, "agents.count = a whole number of 6,021 digits, expected"),
        ("[world]\nname = '" + "x" * 5000 + "'", "world.name = 'xxx"),
        ("[run]\nseconds = 1e300", "run.seconds = 1e+300, expected a number, above 0 and at most"),
        ("#" * 300_000, "is larger than 0.25 MiB"),
    ],
    ids=lambda each: repr(each)[:50],
)
def test_what_does_not_fit_is_named_with_file_key_value_and_expectation(file, toml, message):
    assert complaint(toml=toml, path=file).startswith(f"{file}: {message}")


def test_brackets_and_dots_within_texts_and_comments_nest_nothing(file):
    inside = "[{" * 50 + "a.b.c.d.e.f.g.h.i.j.k"
    lines = [f"# {inside}", "[health]", f"alarms = '{inside}'", "[policy]", f"checkpoint = '''{inside}'''"]
    file.write_text("\n".join([*lines, "[world]", f'name = """\\"{inside}\n"""']))
    config = load_config(file)
    assert config.health.alarms == config.policy.checkpoint == inside
    assert config.world.name == f'"{inside}\n'


@pytest.mark.parametrize("unit", ['\\"""\n', '"""\\', "'", '"', "'''", '\\"', '"\\'])
def test_what_is_not_closed_takes_no_longer(file, unit):
    """Searching for the end again from every start would take hours."""
    complaint(toml=unit * (200_000 // len(unit)), path=file)


def test_a_refused_value_is_followed_by_what_the_key_means(file):
    said = complaint(toml="[agents]\ncount = 0", path=file)
    assert said.endswith("\n  agents.count: agents alive at once")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("agents.count=0", "agents.count = 0, expected a whole number"),
        ("agents.count=", "agents.count = '', expected a whole number"),
        ("agents.cuont=1", "agents.cuont is unknown; did you mean count?"),
        ("agnts.count=1", "agnts is unknown; did you mean agents?"),
        ("run.seed=18446744073709551616", "run.seed = 18446744073709551616, expected a whole number, at"),
        ("agents.count", "expected section.key=value\n  for example --set"),
        ("agents=5", "expected section.key=value"),
        ("=5", "expected section.key=value"),
        (".count=5", "expected section.key=value"),
        ("agents.=5", "expected section.key=value"),
    ],
)
def test_a_wrong_override_is_named_as_it_was_given(file, override, message):
    file.write_text("[trails]\nlength = 32\n")
    assert complaint(override, path=file).startswith(f"--set {override}: {message}")


def test_the_file_is_blamed_for_its_own_faults_only(file):
    file.write_text("[trails]\nlength = 32\n")
    assert complaint("trails.width_px=0", path=file).startswith("--set ")
    file.write_text("[trails]\nlength = 0\n")
    assert complaint("trails.width_px=1", path=file).startswith(f"{file}: trails.length")


def test_an_override_of_what_is_no_table_is_refused(file):
    assert "agents = 5, expected a table" in complaint("agents.count=3", toml="agents = 5", path=file)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    assert complaint(path=tmp_path / "none.toml").endswith("none.toml: there is no such file")
    assert complaint(path=tmp_path).endswith(": is a folder, expected a file")
