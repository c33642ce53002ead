"""Frames with a map that was kept are those in which it is drawn anew."""

import numpy as np
import pytest

from valuescape.run.stepped import SteppedSession
from valuescape.sim.config.files import load_config

SMALL = [
    *("workers.count=0", "features.simd=false", "trails.length=16"),
    *("heatmap.resolution=16", "heatmap.density_resolution=16", "render.mesh_resolution=12"),
    *("heatmap.layer=value", "run.record=false"),
]
SIZE = 400, 240

pytestmark = pytest.mark.gpu


def frames(folder, *settings):
    """Return pictures of a run in which the map stays, and changes, in every way; and what drew it."""
    pictures, fills = [], []
    with SteppedSession(load_config(None, [*SMALL, *settings]), folder) as session:
        surface, real = session.scene._surface, session.scene._surface.draw

        def draw(size=SIZE):
            session.advance(1)
            fills.append([])
            surface.draw = lambda fill, *, flat: fills[-1].append(fill.name) or real(fill, flat=flat)
            pictures.append(session.draw(size))

        for change in CHANGES:
            change(session)
            for _ in range(3):
                draw()
        draw((320, 200))
        session.scene.field_changed()
        draw((320, 200))
    return pictures, fills


CHANGES = (
    lambda session: None,
    lambda session: session.change("heatmap.contours", 5),
    lambda session: session.change("heatmap.colormap", "cividis"),
    lambda session: session.change("heatmap.opacity", 0.5),
    lambda session: session.change("heatmap.low", -3.0),
    lambda session: session.aim(zoom=1.7, yaw_deg=70),
    lambda session: session.change("heatmap.layer", "both"),
)


@pytest.mark.regression
@pytest.mark.parametrize("view", ["2d", "3d"])
@pytest.mark.parametrize("budget", [0, 100], ids=["individuals", "crowd"])
def test_a_kept_map_has_the_same_pixels(tmp_path, view, budget):
    """`features.still_background`. One level of 255 may differ where the crowd lies on a rounded colour."""
    settings = f"render.view={view}", f"lod.segment_budget={budget}", "agents.count=400"
    plain, every = frames(tmp_path, *settings, "features.still_background=false")
    found, some = frames(tmp_path, *settings)
    drawn = ["MAP"] if budget == 0 else ["MAP_AND_CROWD"]
    assert all(calls in (["MAP"], drawn) for calls in every)
    assert every[-1] == drawn
    assert some[20] == ["MAP"] or some[20] == drawn, "visits change the colours with every tick"
    assert some[8] == ([] if budget == 0 else ["KEPT_AND_CROWD"]), "the third frame needs no map"
    assert some[-1] == drawn, "another field has another map"
    for index, (a, b) in enumerate(zip(plain, found, strict=True)):
        assert np.abs(a.astype(int) - b).max() <= (budget > 0), index
        assert (a != b).any(axis=2).sum() <= 3, index
    for a, b in zip(plain[2:18:3], plain[3:19:3], strict=True):
        assert (a != b).any(axis=2).mean() > 0.03, "each change is seen"
