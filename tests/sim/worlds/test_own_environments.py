"""Environments of users' own: what files and modules bring, and that nothing else can name them."""

import functools
import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from crowds import crowd, hash_at, small
from gymnasium.spaces import flatten
from networks import checkpoint_of, random_mlp

from valuescape.cli.code import Code
from valuescape.sim.config.files import load_config
from valuescape.sim.errors import UsageError
from valuescape.sim.plugins.loading import LOADED
from valuescape.sim.plugins.registry import PLUGINS
from valuescape.sim.plugins.replacing import replaced
from valuescape.sim.plugins.used import used_sources
from valuescape.sim.policy.network import ActorHead
from valuescape.sim.policy.world_fit import check_world, misfit
from valuescape.sim.shared.layout import Ending
from valuescape.sim.worlds import declare_environment, load_env_file, load_named, make_world

RAIL = """
import gymnasium
import numpy as np
from gymnasium import spaces


class Rail(gymnasium.Env):
    def __init__(self, length=1.0):
        self.length = length
        self.observation_space = spaces.Dict(
            {"speed": spaces.Box(-2, 2, (1,), np.float64), "goal": spaces.Discrete(3),
             "place": spaces.Box(-length, length, (1,), np.float64)}
        )
        self.action_space = spaces.MultiDiscrete([3, 2], start=[-1, 0])

    def seen(self):
        return {"speed": np.array([self.v]), "goal": self.goal, "place": np.array([self.x])}

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.x, self.v = self.np_random.uniform(-0.5, 0.5, 2)
        self.goal = int(self.np_random.integers(3))
        return self.seen(), {}

    def step(self, action):
        push, brake = action
        self.v = self.v * (1 - 0.2 * brake) + 0.1 * push
        self.x += 0.1 * self.v
        return self.seen(), -abs(self.x - self.goal + 1), np.bool_(abs(self.x) > self.length), False, {}


class Wrapped(gymnasium.Wrapper):
    pass


def short(length=0.1):
    return gymnasium.wrappers.TimeLimit(Rail(length), 4)
"""
LIMIT = "world.max_episode_steps=12"
RANDOM = "policy.checkpoint=random"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder that a person is in; its environments are forgotten afterwards."""
    monkeypatch.setattr(sys, "path", [each for each in sys.path if each])
    monkeypatch.chdir(tmp_path)
    registered, modules = dict(gymnasium.registry), set(sys.modules)
    yield tmp_path
    for key in list(LOADED):
        if key.startswith(str(tmp_path)):
            PLUGINS.withdraw(key)
            del LOADED[key]
    gymnasium.registry.clear()
    gymnasium.registry.update(registered)
    for name in set(sys.modules) - modules:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def written(path: Path, text=RAIL):
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text(text)
    return path


def test_agents_go_where_the_environment_goes_by_hand(folder):
    """With the same actions, taken from the crowd, from the same start."""
    (name,) = load_env_file(written(folder / "rails.py"))
    config = small(f"world.name={name}", LIMIT, RANDOM, "world.env.length=0.7", "agents.count=9")
    world = make_world(name, config)
    assert [each.name for each in world.state] == ["goal", "place", "speed"]
    env = PLUGINS.find("environment", name).function(0.7)
    endings = set()
    with crowd(config) as engine:
        start = engine.row("state", 0).copy()
        steps = []
        for tick in range(1, 13):
            engine.advance_to(tick)
            steps.append([engine.row(key, tick).copy() for key in ("action", "state", "reward", "ending")])
    for agent in range(9):
        env.reset(seed=0)
        env.goal, (env.x, env.v) = int(start[0, agent]), start[1:, agent].astype(float)
        for number, (action, state, reward, ending) in enumerate(steps, 1):
            given = action[:, agent] + [-1, 0]
            obs, expected, terminated, *_ = env.step(given.astype(np.int64))
            np.testing.assert_allclose(
                state[:, agent], [obs["goal"], *obs["place"], *obs["speed"]], atol=1e-6
            )
            assert reward[agent] == pytest.approx(expected, abs=1e-6)
            over = Ending.TERMINATED if terminated else Ending.TRUNCATED if number == 12 else Ending.RUNNING
            assert ending[agent] == over
            endings.add(Ending(over))
            observed = np.empty((5, 1), np.float32)
            world.observe(state[:, [agent]], observed)
            np.testing.assert_allclose(observed[:, 0], flatten(env.observation_space, obs), atol=1e-6)
            if terminated:
                break
    assert endings == set(Ending)


@pytest.mark.parametrize("kind", ["file", "module", "module of a package"])
def test_workers_run_the_same_code(folder, kind):
    if kind == "file":
        written(folder / "elsewhere" / "held_beside.py", "HOLD = 0.25")
        text = "from held_beside import HOLD\n" + RAIL.replace("0.2 *", "HOLD *")
        (name,) = load_env_file(written(folder / "elsewhere" / "rails.py", text))
    elif kind == "module":
        written(folder / "own_rails.py")
        name = load_named("own_rails:Rail")
    else:
        written(folder / "own_tracks" / "__init__.py", "")
        written(folder / "own_tracks" / "held.py", "HOLD = 0.25")
        text = "from .held import HOLD\n" + RAIL.replace("0.2 *", "HOLD *")
        written(folder / "own_tracks" / "rails.py", text)
        name = load_named("own_tracks.rails:Rail")
    changes = f"world.name={name}", LIMIT, RANDOM
    assert hash_at(20, small(*changes)) == hash_at(20, small(*changes, "workers.count=2"))


@pytest.mark.parametrize(
    ("text", "options", "world"),
    [
        (RAIL, {}, "Rail"),
        (RAIL, {"world": "short"}, "short"),
        (RAIL + "\nclass Longer(Rail):\n    pass\n", {}, "Longer"),
        (RAIL + "\nclass Longer(Rail):\n    pass\n", {"world": "Rail"}, "Rail"),
        (RAIL + "\ngymnasium.register('Own-v3', entry_point=Rail)\n", {}, "gymnasium:Own-v3"),
        (
            RAIL + "\ngymnasium.register('Own-v3', entry_point=Rail)\n",
            {"world": "Own-v3"},
            "gymnasium:Own-v3",
        ),
        (RAIL + "\ngymnasium.register('Own-v3', entry_point=Rail)\n", {"world": "Rail"}, "Rail"),
        (RAIL, {"world": "pendulum"}, "pendulum"),
    ],
)
def test_the_world_of_a_file_is_what_it_registers_or_defines_unless_one_is_named(
    folder, text, options, world
):
    code = Code(env_files=[written(folder / "rails.py", text)], arguments=["length=3"], limit=7, **options)
    changes = [f"world.name={json.dumps(world)}", "world.env.length=3", "world.max_episode_steps=7"]
    assert code.load() == changes
    assert code.load() == changes  # as often as is asked
    assert world not in str(code.load(["world.name=another"])[:1]) or "world" in options


def test_a_function_s_own_time_limit_counts(folder):
    name = Code(env_files=[written(folder / "rails.py")], world="short").load()[0]
    config = load_config(None, [name])
    assert make_world(config.world.name, config).max_episode_steps == 4


TWO = RAIL + "\nclass Other(gymnasium.Env):\n    pass\n"
OLD = """
class Env:
    __module__ = "gym.core"

class Old(Env):
    pass
"""


@pytest.mark.parametrize(
    ("text", "world", "said"),
    [
        (TWO, "", r"has 2 environments: Rail, Other\n  choose one: --world Rail"),
        (RAIL, "Rial", r"has no class or function 'Rial'\n  did you mean Rail\?"),
        (RAIL, "np", "'np' is no class or function"),
        ("x = 1", "", r"has no environment\n  expected a class derived from gymnasium.Env"),
        ("from . import x", "", r"ImportError: .*\n  .*--world package.module:Class"),
        ("import no_such_module", "", "line 1: ModuleNotFoundError"),
        ("def f(:", "", "line 1: SyntaxError"),
        (
            RAIL.replace("class Rail", "class pendulum"),
            "",
            "is called 'pendulum', as a world of this program",
        ),
        (OLD, "", r"Old is an environment of the old gym\n  wrap .*shimmy"),
    ],
)
def test_what_is_wrong_with_a_file_is_a_sentence(folder, text, world, said):
    code = Code(env_files=[written(folder / "rails.py", text)], world=world)
    with pytest.raises(UsageError, match=said) as refusal:
        code.load()
    assert len(str(refusal.value).splitlines()) <= 2
    assert bool(LOADED.get(str(folder / "rails.py"))) == ("Rail(gym" in text)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nowhere_at_all:Rail", "there is no Python module nowhere_at_all"),
        ("own_rails:Rial", "no class or function 'Rial'"),
        ("own_broken:Rail", r"line 1: ZeroDivisionError"),
        ("statistics:Rail", r"statistics.py here is hidden by"),
        ("os.nothing.more:Rail", "there is no Python module os.nothing.more"),
    ],
)
def test_what_is_wrong_with_a_module_is_a_sentence(folder, name, said):
    written(folder / "own_rails.py")
    written(folder / "own_broken.py", "1 / 0")
    written(folder / "statistics.py")
    with pytest.raises(UsageError, match=said) as refusal:
        load_named(name)
    assert refusal.value.args[0].startswith(f"--world {name}: ")


def test_an_environment_of_any_of_several_files_can_be_chosen(folder):
    other = RAIL.replace("Rail", "Other")
    files = [written(folder / "rails.py"), written(folder / "others.py", other)]
    for name in ("Rail", "Other"):
        code = Code(env_files=files, world=name, limit=7)
        assert code.load()[0] == f'world.name="{name}"'


def test_several_functions_of_one_name_make_their_own_environments():
    def maze(size):
        return lambda: gymnasium.make("FrozenLake-v1", desc=["S" + "F" * (size - 2) + "G"] * 2)

    functions = [maze(3), maze(4), functools.partial(gymnasium.make, "CliffWalking-v1", max_episode_steps=9)]
    try:
        names = [declare_environment(each) for each in functions]
        assert [len(make_world(each).obs) for each in names] == [6, 8, 48]
        assert [declare_environment(each) for each in functions] == names
    finally:
        PLUGINS.withdraw("")


@pytest.mark.parametrize("name", ["own_rails:Rail", "gymnasium:own_rails:Rail", "Rail"])
def test_a_configuration_runs_no_code_of_the_folder(folder, name):
    written(folder / "own_rails.py", RAIL + "\nopen('it-ran', 'w')\n")
    config = load_config(None, [f"world.name={name}"])
    with pytest.raises(UsageError):
        make_world(config.world.name, config)
    assert not (folder / "it-ran").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            ("length=1.0", "size"),
            r"cannot be made: TypeError: .*'length'.*\n  expected that Rail\(length=2\)",
        ),
        (
            ("return self.seen(), -abs(self.x - self.goal + 1), np", "return self.seen(), 'bad', np"),
            "as reward",
        ),
        (("spaces.MultiDiscrete([3, 2], start=[-1, 0])", "spaces.Dict({})"), "acts in a Dict"),
        (('"goal": spaces.Discrete(3)', '"goal": spaces.Text(3)'), "observes a Text as goal"),
        (("gymnasium.Env):", "Rail_base):"), "line 7: NameError"),
        (("super().reset(seed=seed)", "return self.nothing"), "rails.py line 20: AttributeError"),
        (("False, {}", "{}"), r"step returns a tuple of 4: the old gym's way"),
        (("return self.seen(), {}", "return self.seen()"), "reset returns a dict, expected"),
        (('"goal": self.goal', '"aim": self.goal'), "reset observes a dict without goal"),
        (('"goal": self.goal', '"goal": 3'), "reset observes goal = 3, expected a whole number from 0 to 2"),
        (
            ("np.array([self.x])}", "np.array([[self.x]])}"),
            r"'Rail' \(rails.py line 19\): reset observes an array of shape \(1, 1\) as place, expected",
        ),
    ],
)
def test_what_an_environment_does_wrong_is_a_sentence(folder, change, said):
    text = RAIL.replace(*change)
    assert text != RAIL

    def make():
        load_env_file(written(folder / "rails.py", text))
        config = load_config(None, ["world.name=Rail", LIMIT, "world.env.length=2"])
        make_world("Rail", config)

    with pytest.raises(UsageError) as refusal:
        make()
    assert re.search(said, str(refusal.value), re.MULTILINE)
    assert len(str(refusal.value).splitlines()) <= 2


def test_numbers_outside_their_box_are_told_with_file_and_method(folder):
    text = RAIL.replace("spaces.Box(-2, 2, (1,)", "spaces.Box(-0.001, 0.001, (1,)")
    load_env_file(written(folder / "rails.py", text))
    (said,) = make_world("Rail", load_config(None, ["world.name=Rail", LIMIT])).remarks
    assert re.match(r"Rail \(rails.py line 19\): reset observes speed = -?0\.\d+, outside of -0.001 to", said)
    load_env_file(written(folder / "sound.py", RAIL.replace("Rail", "Sound")))
    assert make_world("Sound", load_config(None, ["world.name=Sound", LIMIT])).remarks == ()


def test_without_a_time_limit_it_names_the_option(folder):
    load_env_file(written(folder / "rails.py"))
    with pytest.raises(UsageError, match=r"'Rail' has no time limit\n.*--max-episode-steps"):
        make_world("Rail", load_config(None, ["world.name=Rail"]))


@pytest.mark.parametrize("module", ["", "own_rails"])
def test_an_edited_file_takes_the_place_of_the_one_before(folder, module):
    path = written(folder / "own_rails.py")
    name = load_named("own_rails:Rail") if module else load_env_file(path)[0]
    config = load_config(None, [f"world.name={name}", LIMIT])
    with pytest.raises(UsageError), replaced(path, b"1 / 0"):
        pass
    assert len(make_world(name, config).state) == 3
    wider = RAIL.replace(
        '"goal": spaces.Discrete(3),', '"goal": spaces.Discrete(3), "aim": spaces.Discrete(2),'
    )
    wider = wider.replace('"goal": self.goal,', '"goal": self.goal, "aim": 0,')
    with replaced(path, wider.encode()):
        assert len(make_world(name, config).state) == 4


def test_reports_name_it(folder):
    path = written(folder / "own_rails.py")
    load_env_file(path)
    (used,) = [each for each in used_sources(in_workers=True) if "own_rails" in each.name]
    assert (used.option, used.name, used.plugins) == ("--env-file", str(path), ("environment: Rail",))
    assert len(used.sha256) == 64


@pytest.mark.parametrize(
    ("said", "fits"),
    [
        ("", True),
        ("Rail", True),
        ("tracks:Rail", True),
        ("pendulum", False),
        ("gymnasium:Taxi-v4", False),
    ],
)
def test_a_checkpoint_fits_however_its_environment_was_named(folder, said, fits):
    written(folder / "own_rails.py")
    config = load_config(None, [f"world.name={load_named('own_rails:Rail')}", LIMIT])
    actor = random_mlp((5, 8, 5))
    chooses = {"actor_head": ActorHead.MULTI_ARGMAX, "choices": (3, 2), "obs_dim": 5}
    found = misfit(
        replace(checkpoint_of(actor), world=said, **chooses), make_world(config.world.name, config)
    )
    assert (found is None) == fits, found
    assert fits or found == f"was trained for world {said}"
    other = replace(checkpoint_of(actor), world=said, obs_dim=5, actor_head=ActorHead.ARGMAX)
    found = misfit(other, make_world(config.world.name, config))
    assert not fits or found.startswith(
        "chooses among 5 actions, but world own_rails:Rail has choices among [3, 2]"
    )
    if fits:
        with pytest.raises(UsageError, match=r"--set policy\.choices=3,2"):
            check_world(other, make_world(config.world.name, config), Path("m.pt"))
