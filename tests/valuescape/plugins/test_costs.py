"""What each plug-in costs is a section of the profiler, and of the breakdown of frames."""

import time

import pytest
from hands import turn

from valuescape.sim.measuring.profiler import statistics

pytestmark = pytest.mark.gpu

SLOW = """
    import time
    from valuescape.api import LayerLook, SignalScale, main_system, panel, shader_layer, trail_coloring

    @main_system(every=1)
    def system(run):
        time.sleep(0.002)

    @trail_coloring(SignalScale("a"))
    def color(tick):
        time.sleep(0.002)
        return tick.reward

    @shader_layer(LayerLook("b"), inputs=("agents",))
    def layer(world):
        return "float map_value(vec2 at) { return float(newest) + agent(0, newest).x; }"

    @panel()
    def section(panel, run):
        time.sleep(0.002)
"""


def test_every_kind_has_its_time(at_the_picture, load):
    load(SLOW)
    session, _ = at_the_picture(
        "trails.color_by=color", "heatmap.layer=layer", "stats.health_s=0", panel=True
    )
    for _ in range(40):
        turn(session)
        session.ledger.note(time.monotonic())  # one frame in 61 is taken apart
    profiler = session.meter.profiler
    found = {each.name: each for each in statistics(profiler.ring.read(), profiler.names)}
    for name in ("system", "color", "section"):
        assert found[f"plug-in {name}"].p50 >= 2
    assert found["plug-in layer"].count > 20
    parts = {part.name: part.ms for part in session.state().figures.parts()}
    assert parts["plug-in system"] >= 2
    assert parts["plug-in color"] >= 2
