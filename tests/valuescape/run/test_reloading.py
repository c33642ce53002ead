"""Files that are saved while a run goes on change it, and those that are wrong do not."""

import re
import time

import pytest
from hands import SMALL, Hands, turn
from known_plugins import forgotten

from valuescape import remarks
from valuescape.render.view.changes import Preset, Set
from valuescape.run.applying import steps_along
from valuescape.run.config_file import ConfigFile
from valuescape.run.length import RunLength
from valuescape.run.outputs import Outputs
from valuescape.run.session import Session
from valuescape.sim.config.files import load_config
from valuescape.sim.plugins import load_file
from valuescape.sim.plugins.declarations import Kind
from valuescape.sim.plugins.failing import TROUBLE
from valuescape.sim.plugins.registry import PLUGINS
from valuescape.sim.worlds import WORLDS, load_world_file

pytestmark = pytest.mark.gpu

FEW = [each for each in SMALL if not each.startswith(("agents.count", "trails.length"))]

FILE = """# a comment
[world]
name = "cartpole"

[agents]
count = 40

[trails]
width_px = 1.5
opacity = 0.5

[heatmap]
contours = 6

[render]
glow = 0.25
yaw_deg = 30
"""


@pytest.fixture
def told(monkeypatch):
    """What the terminal says."""
    found = []
    monkeypatch.setattr(remarks, "_listeners", [found.append])
    return found


@pytest.fixture
def running(tmp_path, told):
    """A run of a file that is watched, in lockstep; `--set agents.count=50` and small settings win."""
    path = tmp_path / "mine.toml"
    path.write_text(FILE)
    file = ConfigFile.named(str(path), (*FEW, "agents.count=50"))
    with Session(file.config, RunLength(), Outputs(tmp_path), headless=True, display=Hands()) as session:
        session.reloading.begin(file)
        session.pace.start()
        turn(session, 3)
        yield session, path


def save(path, *changes):
    text = path.read_text()
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    path.write_text(text)


def until(session, is_so):
    end = time.monotonic() + 8
    while not is_so() and time.monotonic() < end:
        turn(session)
        time.sleep(0.01)
    assert is_so()


def test_live_settings_change_at_once_and_tuned_ones_stay(running, told):
    session, path = running
    stage = session.stage
    session.controls.apply(Set("trails.opacity", 0.9))
    save(path, ("glow = 0.25", "glow = 1.5"), ("contours = 6", "contours = 3"))
    until(session, lambda: told)
    looks = session.viewer.looks
    assert (looks.render.glow, looks.heatmap.contours, looks.trails.opacity) == (1.5, 3, 0.9)
    assert session.stage is stage
    assert told == ["mine.toml: heatmap.contours = 3 (live), render.glow = 1.5 (live)"]
    assert told[0] in session.annotations().notice


def test_other_settings_take_one_restart_that_keeps_view_and_what_was_tuned(running, told):
    session, path = running
    stage = session.stage
    camera = session.viewer.orbit_goal = session.viewer.orbit_goal.turned(0.5)
    session.controls.apply(Set("insight.rollouts", 9))
    session.controls.apply(Set("trails.width_px", 4.0))
    session.controls.apply(Set("sim.ticks_per_s", 30.0))
    alarms = "yaw_deg = 30\n[health]\nalarms = 'fps < 5'"
    save(path, ("opacity = 0.5", "opacity = 0.5\nlength = 9"), ("0.25", "0.75"), ("yaw_deg = 30", alarms))
    until(session, lambda: told)
    assert session.stage is not stage
    assert session.config.trails.length == 9 == session.engine.config.trails.length
    assert session.stage.maps.insight.rollouts == 9
    assert session.viewer.looks.trails.width_px == 4.0
    assert session.viewer.looks.render.glow == 0.75
    assert session.pace.ticks_per_s == 30.0
    assert session.viewer.orbit_goal == camera
    assert [str(alarm) for alarm, _ in session.alerts.lamps] == ["fps < 5"]
    assert "trails.length = 9 (restart)" in told[0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("glow = 0.25", "glow = 9"), r"mine.toml: render.glow = 9, expected a number from 0 to 2"),
        (("glow = 0.25", "glwo = 1"), r"mine.toml: render.glwo is unknown; did you mean glow"),
        (("[render]", "[render"), r"mine.toml: is not valid TOML"),
        (("contours = 6", 'layer = "errors"'), r"mine.toml: heatmap.layer: 'errors' is unknown"),
        (("contours = 6", "low = 3\nhigh = 2"), r"heatmap.low = 3, expected less than heatmap.high = 2"),
    ],
)
def test_a_bad_edit_changes_nothing_and_is_said_once_for_each_save(running, told, change, said):
    session, path = running
    before = session.stage, session.viewer.looks, session.config
    save(path, change)
    until(session, lambda: told)
    assert re.search(said, told[0])
    assert told[0].splitlines()[0] in session.annotations().notice
    session.captions._notice_until -= 60  # it stays until something else is said
    path.touch()
    time.sleep(0.4)
    turn(session, 5)
    assert len(told) == 1
    path.write_text(path.read_text() + "\n")  # another edit, and the mistake is still there
    until(session, lambda: len(told) > 1)
    assert told.pop() == told[0]
    assert told[0].splitlines()[0] in session.annotations().notice
    assert (session.stage, session.viewer.looks, session.config) == before
    path.write_text(FILE.replace("glow = 0.25", "glow = 1.25"))
    until(session, lambda: len(told) > 1)
    assert told[1] == "mine.toml: render.glow = 1.25 (live)"


def test_the_ends_of_the_colour_scale_change_together(running, told):
    session, path = running
    for low, high in ((5, 9), (10, 12), (1, 2)):  # each crosses the pair before it, one end by one
        path.write_text(FILE.replace("contours = 6", f"low = {low}\nhigh = {high}"))
        known = len(told)
        until(session, lambda known=known: len(told) > known)
        assert (session.viewer.looks.heatmap.low, session.viewer.looks.heatmap.high) == (low, high)


def test_overrides_go_on_winning_and_it_is_said(running, told):
    session, path = running
    save(path, ("count = 40", "count = 60"))
    until(session, lambda: told)
    assert told == ["--set agents.count=50 goes on winning over agents.count = 60"]
    assert session.engine.config.agents.count == 50


def test_what_only_the_start_reads_is_said_to_wait(running, told):
    session, path = running
    stage = session.stage
    save(path, ("glow = 0.25", "width = 640"))
    until(session, lambda: told)
    assert "render.width = 640 (next start)" in told[0]
    assert session.stage is stage
    assert session.viewer.looks.render.glow == 0.0  # the line is gone: the default


def test_another_world_does_not_keep_what_belongs_to_the_one_before(running, told):
    session, path = running
    session.controls.apply(Set("heatmap.slice", "cart velocity=0.5"))
    session.controls.apply(Set("insight.action", "push left"))
    save(path, ('"cartpole"', '"pendulum"'))
    until(session, lambda: told)
    assert session.engine.world.name == "pendulum"
    assert "world.name = 'pendulum' (restart)" in told[0]
    turn(session, 5)


def test_a_file_that_goes_away_is_said(running, told):
    session, path = running
    path.unlink()
    until(session, lambda: told)
    assert "no such file any more; the run goes on as it was" in told[0]
    path.write_text(FILE.replace("0.25", "0.5"))
    until(session, lambda: len(told) > 1)
    assert session.viewer.looks.render.glow == 0.5


def test_presets_are_taken_while_a_run_goes_on(running, told, tmp_path):
    session, _ = running
    other = tmp_path / "other.toml"
    other.write_text("[render]\nglow = 1.0\n[agents]\ncount = 99\n[trails]\nlength = 8\n")
    session.controls.apply(Set("render.glow", 0.6))
    session.controls.apply(Set("render.tone_mapping", True))
    assert session.controls.apply(Preset(str(other))) == ""
    turn(session, 3)
    assert session.viewer.looks.render.glow == 1.0
    assert session.viewer.looks.heatmap.contours == 12  # the default, as only the file before named it
    assert session.viewer.looks.render.tone_mapping  # tuned, and named by neither
    assert session.engine.world.name == "point_mass"
    assert (session.engine.config.agents.count, session.config.trails.length) == (50, 8)
    save(other, ("glow = 1.0", "glow = 0.5"))  # it is watched in place of the other
    until(session, lambda: session.viewer.looks.render.glow == 0.5)
    assert "did you mean demo" in session.controls.apply(Preset("demmo"))
    assert session.config.trails.length == 8


def test_a_shader_that_does_not_compile_leaves_the_old_one(running, told, monkeypatch, tmp_path):
    """In a copy of the shaders, with the map that needs it not shown."""
    session, _ = running
    copied = shaders_in(tmp_path, monkeypatch)
    session.reloading.begin(None)
    scene, landscape = session.scene, session.stage.landscape
    broken = copied / "critic" / "dense.comp"
    text = broken.read_text()
    broken.write_text(text.replace("void main() {", "void main() {\n    oops(1);", 1))
    until(session, lambda: told)
    line = text[: text.index("void main() {")].count("\n") + 2
    assert re.match(rf"gpu/shaders/critic/dense.comp:{line}:\d+: error: ", told[0])
    assert (session.scene, session.stage.landscape) == (scene, landscape)
    broken.write_text(text + "\n")
    until(session, lambda: len(told) > 1)
    assert told[1] == "shaders reloaded"
    assert session.scene is not scene
    assert session.stage.landscape is not landscape
    turn(session, 3)


def shaders_in(folder, monkeypatch):
    """Copy the program's shaders, and take the copy for them."""
    import shutil

    from valuescape.gpu import shader_source

    copied = folder / "shaders"
    shutil.copytree(shader_source.SHADERS, copied)
    monkeypatch.setattr(shader_source, "SHADERS", copied)
    monkeypatch.setattr(shader_source, "_files", {})
    monkeypatch.setattr(shader_source, "_drawn", set())
    shader_source._read_all()
    return copied


WORLD = """
import numpy as np

from valuescape.api import ContinuousAction, ElementwiseWorld, Variable, absolute

STEP, FAR = np.float32(0.1), np.float32(9)


class Line(ElementwiseWorld):
    name = "line"
    state = (Variable("position", "m", -1.0, 1.0), Variable("velocity", "m/s", -2.0, 2.0))
    obs = state
    action = ContinuousAction((Variable("force", "N", -1.0, 1.0),))
    step_s = 0.1
    max_episode_steps = 200
    reset_draws = 2

    @staticmethod
    def start(draws):
        return draws[0], draws[1]

    @staticmethod
    def dynamics(state, action):
        position, velocity = state
        return (position + STEP * action[0], velocity), -absolute(position), absolute(position) > FAR
"""
LINE = ("world.name=line", "policy.checkpoint=random", "heatmap.layer=density")


@pytest.fixture
def line(tmp_path, told):
    """A run in a world of a file of its own."""
    path = tmp_path / "line.py"
    path.write_text(WORLD)
    with forgotten():
        load_world_file(path)
        config = load_config(None, [*SMALL, *LINE])
        with Session(config, RunLength(), Outputs(tmp_path), headless=True, display=Hands()) as session:
            session.reloading.begin(None)
            session.pace.start()
            turn(session, 3)
            yield session, path


def test_a_world_file_is_loaded_anew_and_the_run_begins_anew_with_it(line, told):
    session, path = line
    camera, stage = session.viewer.orbit_goal, session.stage
    save(path, ("max_episode_steps = 200", "max_episode_steps = 77"))
    until(session, lambda: told)
    assert told == ["line.py: loaded anew, and the run began anew with it"]
    assert session.engine.world.max_episode_steps == 77
    assert session.stage is not stage
    assert session.viewer.orbit_goal == camera
    turn(session, 3)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("return draws[0], draws[1]", "return draws[0], drows[1]"), "start: line 20: NameError"),
        (("ElementwiseWorld, Variable", "ElementwiseWorld Variable"), "line 4: SyntaxError: invalid syntax"),
        (('"line"', '"lane"'), "world.name: 'line' is unknown"),
    ],
)
def test_broken_code_leaves_the_run_as_it_was_and_names_the_line(line, told, change, said):
    session, path = line
    stage, world = session.stage, WORLDS["line"]
    save(path, change)
    until(session, lambda: told)
    assert said in told[0]
    assert "the code before stays in use" in told[0]
    assert (session.stage, WORLDS["line"]) == (stage, world)
    assert "lane" not in WORLDS
    turn(session, 3)
    save(path, (change[1], change[0]), ("200", "55"))
    until(session, lambda: len(told) > 1)
    assert session.engine.world.max_episode_steps == 55


def test_of_a_table_only_what_the_file_touches_changes():
    before, after, now = (
        load_config(None, [f"world.parameters.{each}" for each in given])
        for given in (("a=1", "b=2"), ("a=5", "c=3"), ("a=1", "b=2", "tuned=9"))
    )
    assert steps_along(before, after, now) == {"world.parameters": {"a": 5.0, "c": 3.0, "tuned": 9.0}}


LAYER = '''
from valuescape.api import LayerLook, shader_layer


@shader_layer(LayerLook("ramp", meaning="grows to the right", low=0.0, high=1.0))
def ramp(world):
    return """float map_value(vec2 at) { return at.x; }"""
'''


def test_a_layer_s_plug_in_is_loaded_anew_while_agents_go_on(tmp_path, told):
    path = tmp_path / "ramp.py"
    path.write_text(LAYER)
    with forgotten():
        load_file(path)
        config = load_config(None, [*SMALL, "heatmap.layer=ramp"])
        with Session(config, RunLength(), Outputs(tmp_path), headless=True, display=Hands()) as session:
            session.reloading.begin(None)
            session.pace.start()
            turn(session, 3)
            engine, scene, tick = session.engine, session.scene, session.newest_tick
            save(path, ("return at.x;", "return att.x;"))
            until(session, lambda: told)
            assert "ramp.py) failed" in told[0]
            assert "the shader does not compile: ramp.py:7:35: error: " in told[0]
            assert session.scene is scene
            save(path, ("return att.x;", "return 5.0 + at.x;"))
            until(session, lambda: len(told) > 1)
            assert told[1] == "ramp.py: loaded anew"
            assert session.scene is not scene
            turn(session, 3)
            assert session.engine is engine
            assert session.newest_tick > tick


CALLED = """
from valuescape.api import LayerLook, main_system, map_layer


@map_layer(LayerLook("height"), of_agents=True)
def height(at):
    return at.x


@map_layer(LayerLook("width"))
def width(at):
    return at.y


@main_system(every="frame")
def watch(run):
    run.tick
"""


@pytest.mark.parametrize(
    ("change", "failed"),
    [
        (("at.x", "at.zz"), r"the map layer 'height' \(.*called.py\) failed: line 7: AttributeError"),
        (("run.tick", "run.tock"), r"the system 'watch' \(.*called.py\) failed at tick \d+: line 17: Attr"),
    ],
)
def test_an_edit_that_fails_when_it_is_called_does_not_end_the_run(tmp_path, told, change, failed):
    path = tmp_path / "called.py"
    path.write_text(CALLED)
    with forgotten():
        load_file(path)
        config = load_config(None, [*SMALL, "heatmap.layer=height"])
        with Session(config, RunLength(), Outputs(tmp_path), headless=True, display=Hands()) as session:
            session.reloading.begin(None)
            session.pace.start()
            turn(session, 3)
            save(path, change)
            until(session, lambda: any(re.search(failed, each) for each in told))
            assert session.engine.newest_tick > 0
            save(path, change[::-1])
            known = len(told)
            until(session, lambda: len(told) > known)
            tick = session.newest_tick
            turn(session, 5)
            assert told[known:] == ["called.py: loaded anew"]
            assert not TROUBLE.off
            assert session.newest_tick > tick


def test_an_edit_of_a_map_that_fails_when_it_is_computed_is_not_taken(tmp_path, told):
    path = tmp_path / "called.py"
    path.write_text(CALLED)
    with forgotten():
        load_file(path)
        config = load_config(None, [*SMALL, "heatmap.layer=width"])
        with Session(config, RunLength(), Outputs(tmp_path), headless=True, display=Hands()) as session:
            session.reloading.begin(None)
            session.pace.start()
            turn(session, 3)
            scene, before = session.scene, PLUGINS.find(Kind.LAYER, "width")
            for wrong in ("at.zz", "at.zzz"):
                path.write_text(CALLED.replace("at.y", wrong))
                known = len(told)
                until(session, lambda known=known: len(told) > known)
                assert (
                    f"line 12: AttributeError: 'MapStates' object has no attribute '{wrong[3:]}'"
                    in told[known]
                )
                assert told[known].endswith("the code before stays in use")
                assert len(told) == known + 1
                assert session.scene is scene
                assert PLUGINS.find(Kind.LAYER, "width") is before
                assert not TROUBLE.off
