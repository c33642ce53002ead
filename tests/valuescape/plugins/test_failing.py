"""Plug-ins that raise: named with file, line and tick; the run ends, or goes on without them."""

import json
import re

import numpy as np
import pytest
from commands import TINY
from hands import turn

from valuescape import remarks
from valuescape.render.view.changes import Set
from valuescape.sim.errors import UsageError
from valuescape.sim.plugins.failing import TROUBLE, PluginFailedError
from valuescape.sim.plugins.registry import PLUGINS

pytestmark = pytest.mark.gpu

HEAD = "from valuescape.api import LayerLook, SignalScale, main_system, map_layer, panel, shader_layer\n"
HEAD += "from valuescape.api import trail_coloring\n"
KINDS = {
    "system": (
        "@main_system(every=5)\ndef odd(run):\n    if run.tick == 25:\n        1 / 0\n",
        (),
        r"the system 'odd' \(--plugin \S+mine.py\) failed at tick 25: line 6: ZeroDivisionError",
    ),
    "class": (
        "@main_system(every='frame')\nclass Odd:\n    def __init__(self, run):\n        self.gone\n",
        (),
        r"the system 'odd' \(--plugin \S+mine.py\) failed at tick \d+: line 6: AttributeError",
    ),
    "coloring": (
        "@trail_coloring(SignalScale('odd'))\ndef odd(tick):\n    return tick.state\n",
        ("trails.color_by=odd",),
        r"the trail colouring 'odd' \(--plugin \S+mine.py\) failed at tick \d+: it returned an array "
        r"\[2, 60\] of float32, expected 60 numbers",
    ),
    "layer": (
        "@map_layer(LayerLook('odd'))\ndef odd(at):\n    return at.nowhere\n",
        ("heatmap.layer=odd",),
        r"the map layer 'odd' \(--plugin \S+mine.py\) failed: line 5: AttributeError",
    ),
    "shader": (
        "@shader_layer(LayerLook('odd'))\ndef odd(world):\n    return '''\n\n"
        "float map_value(vec2 at) {\n    return at.x + nothing;\n}\n'''\n",
        ("heatmap.layer=odd",),
        r"the map layer 'odd' \(--plugin \S+mine.py\) failed at tick \d+: the shader does not "
        r"compile: mine\.py:8:\d+: error: .*nothing",
    ),
}
EVERY = pytest.mark.parametrize(("text", "settings", "said"), KINDS.values(), ids=KINDS)


@EVERY
def test_stop_ends_the_run_and_names_file_line_and_tick(at_the_picture, load, text, settings, said):
    load(HEAD + text)
    with pytest.raises(PluginFailedError, match=said):
        turn(at_the_picture(*settings)[0], 20)


@EVERY
def test_disable_goes_on_without_it_and_says_so(at_the_picture, load, text, settings, said):
    load(HEAD + text)
    session, _ = at_the_picture("plugins.on_error=disable", *settings)
    turn(session, 20)
    assert [kind.split(" at tick")[0] for kind in TROUBLE.off.values()]
    assert len(TROUBLE.off) == 1
    picture = np.frombuffer(session.scene.picture.read(components=3, alignment=1), np.uint8)
    assert len(np.unique(picture)) > 20
    if "@map_layer" in text:
        meanings = {each.name: each.meaning for each in session.scene.fields.choices()}
        assert meanings["odd"] == "switched off: its plug-in failed"


def test_an_array_system_that_is_switched_off_in_a_worker_is_told(at_the_picture, load):
    load(
        "from valuescape.api import array_system\n@array_system(when='after')\ndef odd(step):\n"
        "    if step.state.shape[1] > 8:  # more than in the trial\n        1 / 0\n"
    )
    session, _ = at_the_picture("plugins.on_error=disable")
    turn(session, 3)
    (said,) = TROUBLE.off.values()
    assert said == "system odd: mine.py line 5: ZeroDivisionError: division by zero, in tick 1"


def test_a_panel_that_raises_is_left_out(at_the_picture, load):
    load(
        HEAD
        + "@panel()\ndef odd(panel, run):\n    panel.text('a')\n    panel.slider('b', 1, 2, 0)\n"
        + "@panel()\ndef good(panel, run):\n    panel.number('c', run.tick)\n"
    )
    session, _ = at_the_picture("plugins.on_error=disable")
    assert [each.name for each in session.plugins.sections()] == ["good"]
    (said,) = TROUBLE.off.values()
    assert "slider 'b' from 2 to 0" in said
    session, _ = at_the_picture()
    with pytest.raises(PluginFailedError, match="slider 'b'"):
        session.plugins.sections()


def test_the_program_says_it_in_two_lines_and_keeps_what_was_recorded(cli, load, tmp_path):
    path = tmp_path / "odd.py"
    path.write_text(HEAD + KINDS["system"][0])
    options = [*TINY, "--set", "run.record=false", "--set", "workers.count=0", "--ticks", "40", "--out", "o"]
    options += ["--set", "features.async_physics=false"]  # so that a frame shows tick 25
    status, _, errors = cli("run", "demo", *options, "--plugin", path)
    assert status == 1
    assert "failed at tick 25: line 6: ZeroDivisionError: division by zero" in errors
    assert "--set plugins.on_error=disable goes on without it" in errors
    report = json.loads((tmp_path / "o" / "run.json").read_text())
    assert report["ticks"] >= 25
    (source,) = report["plugins"]
    assert source["plugins"] == ["system: odd"]
    assert len(source["off"]) == 1


def test_a_name_of_the_program_s_own_is_not_taken(at_the_picture, load):
    loaded = load(HEAD + "@trail_coloring(SignalScale('odd'))\ndef speed(tick):\n    return tick.reward\n")
    with pytest.raises(UsageError, match=r"mine.py line 3: the name of the trail colouring 'speed' is taken"):
        at_the_picture("trails.color_by=speed")
    PLUGINS.withdraw(loaded.source.key)
    load(HEAD + "@map_layer(LayerLook('odd'))\ndef value(at):\n    return at.x\n", "other.py")
    with pytest.raises(UsageError, match="map layer 'value' of a plug-in has the name of one that there is"):
        at_the_picture()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("'agents.size_px', -run.tick - 1.0", "'agents.size_px', …) is refused: .*agents.size_px = -"),
        ("'agents.siez_px', 1.0", "'agents.siez_px', …) is refused: agents.siez_px"),
        ("'world.parametres.mass', 1.0", "'world.parametres.mass', …) is refused: world.parametres"),
        ("'world.name', 'flock'", "'world.name', …) is refused: world.name cannot change during a run"),
        (
            "'world.parameters.goal_radius', 300",
            "'world.parameters.goal_radius', …) is refused: .*goal_radius = 300",
        ),
    ],
)
def test_a_change_that_is_none_is_printed_once_and_the_run_goes_on(
    at_the_picture, load, monkeypatch, change, said
):
    load(HEAD + f"@main_system(every=7)\ndef odd(run):\n    run.set({change})\n")
    told = []
    monkeypatch.setattr(remarks, "_listeners", [told.append])
    session, _ = at_the_picture("world.name=point_mass", "policy.checkpoint=random")
    before = session.viewer.looks
    turn(session, 10)
    (line,) = (each for each in told if "is refused" in each)
    assert re.search(
        rf"the system 'odd' of --plugin \S+mine.py line 3: run.set\({said}".replace("…)", r"…\)"), line
    )
    assert session.viewer.looks == before
    session.controls.apply(Set("agents.size_px", 3.0))
    assert session.viewer.value("agents.size_px") == 3.0
