"""What pages wish while the session is busy with an earlier wish."""

import pytest
from pages import touched
from PIL import Image, ImageChops

from valuescape.browser.session import BrowserSession
from valuescape.render.displays.streaming.audience import Audience
from valuescape.run.length import RunLength
from valuescape.run.outputs import Outputs
from valuescape.sim.config.files import load_config

SMALL = (
    *("agents.count=8", "workers.count=0", "features.simd=false", "heatmap.resolution=16"),
    *("trails.length=8", "render.mesh_resolution=8"),
)


@pytest.mark.gpu
def test_wishes_that_come_while_a_picture_is_made_are_carried_out_with_the_next_frame(tmp_path, monkeypatch):
    """Those of the panel: what a notebook's controls wish is nothing that a browser may."""
    got, picture = [], tmp_path / "any.png"
    picture.write_bytes(b"")
    with Audience((64, 48)) as audience:
        viewer = audience.join(lambda content, _: got.append(content))
        audience.receive(viewer, {"type": "watching", "on": True})
        with BrowserSession(
            load_config(None, SMALL), RunLength(), Outputs(tmp_path), audience=audience, interrupts=None
        ) as session:

            def busy(_):
                audience.receive(viewer, touched("heatmap.contours", 5))
                audience.receive(viewer, touched("request pause", True))
                audience.receive(viewer, {"type": "change", "name": "trails.opacity", "value": 0.1})
                return picture

            monkeypatch.setattr(session, "screenshot", busy)
            session.pace.start()
            for _ in range(200):  # until the page has been told of the panel
                session._frame(0.02)
                if "panel" in [each["type"] for each in got]:
                    break
            audience.receive(viewer, {"type": "picture"})
            session._frame(0.02)
            session._frame(0.02)
            assert session.pace.paused
            assert session.viewer.looks.heatmap.contours == 5
            assert session.viewer.looks.trails.opacity == session.config.trails.opacity != 0.1
    kinds = [each["type"] for each in got]
    assert "picture" in kinds
    assert "answer" in kinds


@pytest.mark.gpu
def test_a_picture_as_a_file_has_nothing_of_the_notice_that_is_shown(tmp_path):
    with (
        Audience((320, 240)) as audience,
        BrowserSession(
            load_config(None, SMALL), RunLength(), Outputs(tmp_path), audience=audience, interrupts=None
        ) as session,
    ):
        session.pace.pause()
        without = Image.open(session.screenshot(tmp_path / "without.png"))
        session.captions.refresh("saved runs/before.png")
        assert session.captions.notice
        assert (
            ImageChops.difference(without, Image.open(session.screenshot(tmp_path / "with.png"))).getbbox()
            is None
        )
