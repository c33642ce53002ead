"""The ledger's log of frames, and how often statistics are computed."""

import pytest
from commands import SMALL

from valuescape.run.length import RunLength
from valuescape.run.outputs import Outputs
from valuescape.run.session import Session
from valuescape.sim.config.files import load_config

pytestmark = pytest.mark.gpu

TINY = [
    *SMALL,
    "workers.count=0",
    "world.name=mountain_car",
    "agents.count=30",
    "features.async_physics=false",
    "render.max_fps=0",
]


def run(tmp_path, *settings, frames=60, before=lambda session: None):
    """Return a session that has made its frames and is closed."""
    config = load_config(None, [*TINY, *settings])
    with Session(config, RunLength(frames=frames), Outputs(tmp_path), headless=True) as session:
        before(session)
        session.turn_frames()
        return session


@pytest.mark.performance
def test_cached_statistics_skip_four_fifths_of_the_queries(tmp_path):
    cached, plain = (
        run(tmp_path, f"features.stats_cache={on}", "trails.color_by=value").log.queries
        for on in ("true", "false")
    )
    assert plain >= 60 * 3
    assert cached <= 0.2 * plain


def test_cached_and_plain_say_the_same_in_the_end(tmp_path):
    """The last frame is one of those whose figures are read from the GPU, either way."""
    found = []
    for on in ("true", "false"):
        session = run(tmp_path, f"features.stats_cache={on}", frames=51)
        fields, trails = session.scene.fields, session.scene.trails
        found.append((fields.scales.shown.tolist(), trails.color_scale, session.log.segments[-1]))
    assert found[0] == found[1]


def test_the_report_says_how_many_looks_were_answered_from_the_cache(tmp_path):
    assert run(tmp_path).ledger.stats.hit_rate > 0.7
    assert run(tmp_path, "features.stats_cache=false").ledger.stats.hit_rate == 0


def test_scales_are_not_read_again_while_a_run_is_paused(tmp_path):
    paused = run(tmp_path, frames=60, before=lambda session: session.pace.pause())
    going = run(tmp_path, frames=60)
    assert paused.log.queries < going.log.queries
