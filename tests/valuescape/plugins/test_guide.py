"""The file that a reader of the guide has written after ten minutes works as it says."""

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hands import turn

from valuescape.render.view.changes import Set, Touch
from valuescape.sim.plugins.loading import load_file

pytestmark = pytest.mark.gpu

ROOT = Path(__file__).parents[3]
GUIDE, WIND = ROOT / "docs" / "plugins.md", ROOT / "examples" / "plugins" / "wind.py"


def blocks_of(head):
    """Return the Python of one section of the guide, block by block."""
    section = GUIDE.read_text(encoding="utf-8").split(f"## {head}\n")[1].split("\n## ")[0]
    return re.findall(r"```python\n(.*?)```", section, re.DOTALL)


def test_rewards_and_the_curriculum_of_the_guide(at_the_picture, load):
    shaping, curriculum = blocks_of("Systems in the workers")
    load_file(WIND)
    load(shaping, "shaping.py")
    (declared,) = load(curriculum, "curriculum.py").declared
    session, _ = at_the_picture("world.name=mountain_car", "policy.checkpoint=random")
    rewards, actions = (session.engine.recent_row(name, session.newest_tick) for name in ("reward", "action"))
    np.testing.assert_allclose(rewards, -1 - 0.01 * actions[0], rtol=1e-6)
    run = SimpleNamespace(
        numbers=SimpleNamespace(mean_return=95.0),
        get=session.setting,
        set=lambda name, value: session.controls.apply(Set(name, value)),
    )
    for steps in range(1, 9):
        declared.function(run)
        turn(session, 3)
        assert session.setting("world.parameters.wind") == pytest.approx(min(0.0003 + steps * 0.0001, 0.001))


def test_world_system_layer_and_panel_of_the_guide(at_the_picture, tmp_path):
    blocks = blocks_of("Ten minutes")
    assert len(blocks) == 4
    (tmp_path / "mine.py").write_text("\n\n".join(blocks))
    kinds = [str(each.kind) for each in load_file(tmp_path / "mine.py").declared]
    assert sorted(kinds) == ["map layer", "panel", "system in the workers", "world"]
    session, _ = at_the_picture("world.name=ball", "policy.checkpoint=random", "heatmap.layer=energy")
    assert [each.name for each in session.engine.world.state] == ["position", "velocity", "gust"]
    texture = session.scene.fields._made["energy"].texture.texture
    energy = np.frombuffer(texture.read(), np.float32).reshape(16, 16)
    x, y = np.meshgrid((np.arange(16) + 0.5) / 8 - 1, ((np.arange(16) + 0.5) / 8 - 1) * 2)
    np.testing.assert_allclose(energy, (x**2 + y**2) / 2, atol=1e-6)

    def spread():
        """Return the standard deviation of gusts: of this process, strength / sqrt(1 - 0.9²)."""
        return session.engine.recent_row("state", session.newest_tick)[2].std()

    turn(session, 40)
    assert spread() == pytest.approx(0.02 / np.sqrt(1 - 0.81), rel=0.5)
    session.plugins.sections()
    session.controls.apply(Touch("weather", "strength", 0.15))
    (section,) = session.plugins.sections()
    assert section.title == "Gusts"
    turn(session, 60)
    assert session.setting("world.parameters.gusts") == 0.15
    assert spread() == pytest.approx(0.15 / np.sqrt(1 - 0.81), rel=0.5)
