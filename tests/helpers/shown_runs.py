"""A run that browsers show, made frame by frame, and Chromium in front of it."""

import time

import pytest
from chromium import PROGRAM, WHY_NOT, Chromium
from hands import SMALL

from valuescape.browser.server import Server
from valuescape.browser.session import BrowserSession
from valuescape.browser.site import page_site
from valuescape.render.displays.streaming.audience import Audience
from valuescape.run.length import RunLength
from valuescape.run.outputs import Outputs
from valuescape.sim.config.files import load_config

NEEDS_CHROMIUM = [
    pytest.mark.gpu,
    pytest.mark.browser,
    pytest.mark.skipif(PROGRAM is None, reason=WHY_NOT),
]

SIZE = 900, 560
FRAME = "document.querySelector('#picture').dataset.frame"
LOSSLESS = "document.querySelector('#picture').dataset.lossless === 'true'"
SIZED = (
    "['Width', 'Height'].every((side) => Math.abs(document.querySelector('#picture')[side.toLowerCase()]"
    " - valuescape.picture.room[`client${side}`] * Math.min(devicePixelRatio, 2)) < 1)"
)
BARE = "!document.querySelector('.card') && !valuescape.cards.help.open"
READY = f"{FRAME} && valuescape.panel.layout.length && valuescape.viewers.controls && {SIZED} && {BARE}"


class Shown:
    """A run that browsers show, made frame by frame while a page is waited for."""

    def __init__(self, folder):
        config = load_config(None, [*SMALL, "render.width=320", "render.height=240", "render.max_fps=0"])
        self.audience = Audience((320, 240))
        self.server = Server(page_site(), self.audience, "127.0.0.1", 0)
        self.session = BrowserSession(
            config, RunLength(), Outputs(folder), audience=self.audience, interrupts=None
        )
        self.audience.limit_ratio(4.0)
        self.session.pace.start()
        self.turn()

    @property
    def viewer(self):
        return self.session.viewer

    def turn(self):
        self.session._frame(0.02)

    def until(self, ready):
        """Make frames until something is true."""
        end = time.monotonic() + 8
        while not ready():
            assert time.monotonic() < end, "it does not come true"
            self.turn()
            time.sleep(0.002)  # for the server's thread

    def address(self, port=None):
        return f"http://127.0.0.1:{port or self.server.port}/?token={self.server.admission.token}"

    def pause(self, paused):
        if self.session.pace.paused != paused:
            self.session.pace.pause()

    def close(self):
        self.session.__exit__(None, None, None)
        self.server.close()
        self.audience.end()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    shown = Shown(tmp_path_factory.mktemp("run"))
    yield shown
    shown.close()


@pytest.fixture(scope="module")
def chromium(run, tmp_path_factory):
    with Chromium(tmp_path_factory.mktemp("chromium"), run.turn) as browser:
        yield browser


@pytest.fixture
def browse(run, chromium):
    """Return a function that opens pages of the run; they are closed after the test, without a trouble."""
    opened = []
    run.viewer.__init__(flat=False, layer="value", trail_color="age", layers=run.viewer.layers)
    run.session.captions.refresh()
    run.pause(False)

    def browse(width=SIZE[0], height=SIZE[1], *, port=None, ready=READY, **how):
        page = chromium.open(run.address(port), width, height, **how)
        opened.append(page)
        page.wait(ready)
        return page

    yield browse
    for page in opened:
        page.close()
    assert [each for page in opened for each in page.troubles] == []
    run.until(lambda: run.audience.viewers == 0)
