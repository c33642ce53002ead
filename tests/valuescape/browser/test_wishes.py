"""What pages wish while the session is busy with an earlier wish."""

import pytest

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
    """Both kinds: of the panel, which are answered, and of the vocabulary of changes."""
    got, picture = [], tmp_path / "any.png"
    picture.write_bytes(b"")
    with Audience((64, 48), "test") as audience:
        viewer = audience.join(lambda content, _: got.append(content))
        audience.receive(viewer, {"type": "watching", "on": True})
        with BrowserSession(
            load_config(None, SMALL), RunLength(), Outputs(tmp_path), audience=audience, interrupts=None
        ) as session:

            def busy(_):
                audience.receive(
                    viewer, {"type": "widget", "name": "heatmap.contours", "value": 5, "number": 9}
                )
                audience.receive(viewer, {"type": "request", "name": "pause"})
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
    kinds = [each["type"] for each in got]
    assert "picture" in kinds
    assert "answer" in kinds
