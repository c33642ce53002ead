"""Parameters and chance of worlds in files: the guide's example, its table, and what is refused."""

import re

import numpy as np
import pytest
from crowds import crowd, hash_at, small
from world_texts import ARRAYS, EXAMPLE, GUIDE

from valuescape.sim.errors import UsageError
from valuescape.sim.worlds import WORLDS, load_world_file

PARAMETERS = re.search(
    r"## Parameters.*?```python\nclass MyWorld\(ElementwiseWorld\):\n(.*?)```", GUIDE.read_text(), re.DOTALL
)[1]
CONSTANTS = re.search(r"replace `GRAVITY` by `(ROLLS, HALF = .*?)`", GUIDE.read_text())[1]
ROWS = GUIDE.read_text().replace(" |\n| | ", ", ")  # a world may have a second row
TABLE = re.findall(r"^\| `(\w+)` \| (`\w+` [\d.]+ .*) \|$", ROWS, re.MULTILINE)


def seesaw(*change):
    """Return the guide's example with parameters, and with a piece of text replaced."""
    declared, body = PARAMETERS.split("\n\n", 1)
    head, tail = EXAMPLE.split("    @staticmethod\n    def dynamics", 1)
    rest = tail.split("sin(action[0])\n", 1)[1]
    text = f"{head}{declared}\n\n{body}{rest}"
    text = text.replace("Variable, cos", "Parameter, Variable, cos")
    text = text.replace("GRAVITY = np.float32(9.81 * 5 / 7)", CONSTANTS)
    if change:
        assert change[0] in text
        text = text.replace(*change)
    return text


def test_the_guides_parameters_are_data_of_the_tick_compiled_or_not_and_split_among_workers(write):
    load_world_file(write(seesaw()))
    base = "world.name=my_world", "policy.checkpoint=random", "world.parameters.shaking=0.2"
    hashes = {
        hash_at(150, small(*base, "world.parameters.gravity=5..15", *more))
        for more in ((), ("features.simd=false",), ("workers.count=2",))
    }
    assert len(hashes) == 1
    assert hash_at(150, small(*base)) not in hashes


def test_an_array_world_takes_parameters_and_draws(write):
    text = ARRAYS.replace("DiscreteAction, Variable", "DiscreteAction, Parameter, Variable")
    text = text.replace(
        "step_s = 0.1",
        'step_s = 0.1\n    step_draws = 2\n    parameters = (Parameter("up", "m", 0.5, 0.0, 2.0),)',
    )
    text = text.replace("reward, terminated):", "reward, terminated, parameters, draws):")
    load_world_file(
        write(text.replace("np.float32(0.1) * action[0]", "parameters[0] + draws[1] * np.float32(0.25)"))
    )
    with crowd(small("world.name=arrays", "policy.checkpoint=random", "world.parameters.up=1..2")) as engine:
        engine.advance_to(1)
        moved = engine.row("state", 1)[0] - engine.row("state", 0)[0] - engine.arena["parameter"][0]
        assert 0 <= moved.min() < 0.03 < 0.22 < moved.max() < 0.25 + 1e-6
        assert np.ptp(engine.arena["parameter"]) > 0.9


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            ("action, parameters, draws)", "action, parameters)"),
            "has step_draws, but dynamics does not take them",
        ),
        (("    step_draws = 1\n", "    step_draws = -1\n"), "step_draws = -1"),
        (('"gravity", "m/s²", 9.81', '"gravity", "m/s²", 0.5'), "parameters = .*\n.*low <= default <= high"),
        (('Parameter("shaking"', 'Parameter("gravity"'), "parameters = .*\n.*a name of its own"),
        (('Parameter("shaking"', 'Parameter("a b"'), "parameters = .*\n.*letters, digits"),
        (
            ("gravity, shaking = parameters", "gravity, shaking, more = parameters"),
            "ValueError: not enough values",
        ),
        (("draws[0] - HALF", "draws[1] - HALF"), "dynamics: line \\d+: IndexError"),
        (("ROLLS * gravity", "ROLLS * gravity / (gravity - gravity)"), "dynamics makes position"),
    ],
)
def test_a_mistake_with_parameters_is_named(write, change, said):
    with pytest.raises(UsageError) as refusal:
        load_world_file(write(seesaw(*change)))
    assert re.search(said, str(refusal.value)), refusal.value
    assert "my_world" not in WORLDS


def test_the_guides_table_has_every_parameter():
    assert {name for name, _ in TABLE} == {name for name, world in WORLDS.items() if world.parameters}
    for name, row in TABLE:
        cells = re.sub(r"`(\w+)`, `(\w+)` ([^)]*\))", r"`\1` \3, `\2` \3", row)  # two with the same values
        said = [
            re.fullmatch(r"`(\w+)` (\S+)( \S+)? \((\S+) to (\S+)\)", cell).groups()
            for cell in cells.split(", ")
        ]
        declared = [
            (each.name, each.default, each.unit, each.low, each.high) for each in WORLDS[name].parameters
        ]
        assert [
            (key, float(at), (unit or "").strip(), float(low), float(high))
            for key, at, unit, low, high in said
        ] == declared
