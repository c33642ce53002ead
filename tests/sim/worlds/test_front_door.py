"""`valuescape.api`, the names that world files import, and the registry that their worlds join."""

import inspect
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from crowds import hash_at, small

from valuescape import api
from valuescape.sim import elementwise
from valuescape.sim.errors import UsageError
from valuescape.sim.worlds import WORLDS, load_world_file, registry
from valuescape.sim.worlds.acrobot import Acrobot
from valuescape.sim.worlds.pendulum import Pendulum

ROOT = Path(__file__).parents[3]

WORLD = """
from {module} import DiscreteAction, ElementwiseWorld, Variable

class Mine(ElementwiseWorld):
    name = "{name}"
    state = (Variable("a", "m", -1.0, 1.0), Variable("b", "", -1.0, 1.0))
    obs = state
    action = DiscreteAction(("down", "up"))
    step_s = 0.1
    max_episode_steps = 9
    reset_draws = 2

    @staticmethod
    def start(draws):
        return draws

    @staticmethod
    def dynamics(state, action):
        return state, state[0], state[0] > state[1]
"""


# --- The names -------------------------------------------------------------------------------------------


def test_the_example_is_a_world(write):
    example = textwrap.dedent(
        api.__doc__[api.__doc__.index("    import numpy") : api.__doc__.index("`valuescape run")]
    )
    (world,) = load_world_file(write(example, "line.py"))
    assert world.name == "line"
    assert hash_at(50, small("world.name=line")) == hash_at(
        50, small("world.name=line", "features.simd=false")
    )


def test_every_function_for_elements_is_there():
    """A world may call all that has the same bits compiled; `np.sin` is refused in favour of these."""
    functions = inspect.getmembers(elementwise, inspect.isfunction)
    assert {name for name, _ in functions if not name.startswith("_")} <= set(api.__all__)


def test_every_name_bears_words():
    for name in api.__all__:
        value = getattr(api, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert inspect.getdoc(value), name


def test_every_attribute_of_a_world_is_described():
    """In the class's own source, below the attribute, where editors and readers look."""
    for each in (api.World, api.Variable, api.ContinuousAction, api.DiscreteAction):
        source = inspect.getsource(each)
        for name in vars(each).get("__annotations__", {}):
            lines = source[source.index(f"\n    {name}:") + 1 :].splitlines()
            assert lines[1].startswith('    """'), f"{each.__name__}.{name}"


# --- The registry ----------------------------------------------------------------------------------------


class Second(Acrobot):
    name = "second"


class Taken(Acrobot):
    name = Pendulum.name


def test_a_second_registration_is_refused_and_names_both():
    said = "here: class Taken: name = 'pendulum' is taken by class Pendulum of pendulum.py"
    with pytest.raises(UsageError, match=said):
        registry.register((Second, Taken), "here")
    assert Second.name not in WORLDS, "all of them or none"
    registry.register((Second,), "here")
    with pytest.raises(UsageError, match=r"is taken by class Second of test_front_door\.py"):
        registry.register((Second,), "here")


def test_two_files_with_a_world_of_the_same_name(write):
    load_world_file(write(WORLD.format(module="valuescape.api", name="mine"), "one.py"))
    with pytest.raises(UsageError, match=r"two\.py: class Mine: .* is taken by class Mine of one\.py"):
        load_world_file(write(WORLD.format(module="valuescape.api", name="mine"), "two.py"))


# --- Files that import the rooms by the names of their folders -------------------------------------------


def loaded(folder, path):
    """Load a world file in a process that runs in `folder` and does not see the repository's own folders."""
    script = (
        "import sys; from valuescape.sim.worlds import load_world_file\n"
        f"sys.path[:] = [each for each in sys.path if each != {str(ROOT)!r}]\n"
        "from valuescape.sim.errors import UsageError\n"
        f"try:\n    print(*(each.name for each in load_world_file({str(path)!r})))\n"
        "except UsageError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("own_folder", [False, True], ids=["alone", "beside a folder sim"])
@pytest.mark.parametrize("module", ["sim.worlds", "sim.elementwise", "sim"])
def test_such_a_file_is_told_what_to_write(write, tmp_path, module, own_folder):
    if own_folder:
        (tmp_path / "sim").mkdir()
        (tmp_path / "sim" / "__init__.py").write_text("")
    path = write(WORLD.format(module=module, name="mine"))
    first, second = loaded(tmp_path, path)
    assert first.startswith(f"--world-file {path}: line 2: ")
    assert "Error: " in first
    assert "write `from valuescape.api import …`" in second


def test_a_file_beside_a_folder_sim_of_the_users_own_has_both(write, tmp_path):
    (tmp_path / "sim").mkdir()
    (tmp_path / "sim" / "__init__.py").write_text("NAME = 'theirs'")
    text = "import sim\n" + WORLD.format(module="valuescape.api", name="{name}")
    path = write(text.replace('"{name}"', "sim.NAME"))
    assert loaded(tmp_path, path) == ["theirs"]
