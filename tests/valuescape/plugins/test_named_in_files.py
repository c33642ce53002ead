"""Pictures and recordings name the plug-ins that they were made with, and replay asks for them."""

import hashlib
from pathlib import Path

import pytest
from commands import TINY
from known_plugins import forgotten

EXAMPLES = Path(__file__).parents[3] / "examples" / "plugins"
ALONE = [*TINY, "--set", "workers.count=0", "--set", "features.simd=false", "--set", "run.record=false"]
SYSTEM = """
from valuescape.api import array_system, main_system

@array_system(when="after")
def bonus(step):
    step.reward[:] += 1

"""


@pytest.fixture
def fresh(cli):
    """Call the program as in a process of its own, in which no plug-in is loaded yet."""

    def call(*arguments):
        with forgotten():
            return cli(*arguments)

    return call


@pytest.mark.gpu
def test_a_picture_says_which_plug_in_it_needs_and_comes_out_the_same_with_it(fresh, tmp_path):
    layer = EXAMPLES / "steepness.py"
    options = [*ALONE, "--set", "heatmap.layer=steepness", "--ticks", "8", "--out", "o"]
    assert fresh("run", "demo", *options, "--screenshot", "p.png", "--plugin", layer)[0] == 0
    status, _, errors = fresh("replay", "p.png")
    assert status == 2
    sha256 = hashlib.sha256(layer.read_bytes()).hexdigest()
    assert f"this picture was made with the plug-in {layer}, which is not loaded" in errors
    assert f"name it: --plugin {layer} (SHA-256 {sha256[:12]}…)" in errors
    status, out, errors = fresh("replay", "p.png", "--plugin", layer)
    assert (status, errors) == (0, "")
    assert "pixels are equal" in out
    (tmp_path / "steepness.py").write_text(
        layer.read_text().replace('"light_angle": 0.6', '"light_angle": 3')
    )
    status, out, errors = fresh("replay", "p.png", "--plugin", tmp_path / "steepness.py", "--out", "x.png")
    assert status == 1
    assert f"the plug-in {layer} has changed since this picture was made" in errors


def test_a_recording_names_what_took_part_in_the_simulation_alone(fresh, tmp_path):
    (tmp_path / "bonus.py").write_text(SYSTEM)
    (tmp_path / "log.py").write_text(
        "from valuescape.api import main_system\n@main_system()\ndef a(run): ...\n"
    )
    record = ["run", "demo", *ALONE, "--ticks", "10", "--record-run", "r.vsz", "--plugin", "bonus.py"]
    record.remove("--headless")
    assert fresh(*record, "--plugin", "log.py")[0] == 0
    status, _, errors = fresh("replay", "r.vsz")
    assert status == 2
    assert "this recording was made with the plug-in bonus.py, which is not loaded" in errors
    assert fresh("replay", "r.vsz", "--plugin", "bonus.py")[0] == 0
    (tmp_path / "bonus.py").write_text(SYSTEM.replace("+= 1", "+= 2"))
    status, out, errors = fresh("replay", "r.vsz", "--plugin", "bonus.py")
    assert status == 1
    assert "the plug-in bonus.py has changed since this recording was made" in errors
    assert "differs at tick" in out
