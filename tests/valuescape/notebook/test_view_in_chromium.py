"""The widget's script in a real browser: frames, and hands on the picture among cells of a page."""

import io

import numpy as np
import pytest
from chromium import PROGRAM, WHY_NOT, Chromium
from PIL import Image

from valuescape.browser.server import Server
from valuescape.browser.site import File
from valuescape.notebook.widget import page_script

pytestmark = [pytest.mark.browser, pytest.mark.skipif(PROGRAM is None, reason=WHY_NOT)]

PAGE = """<!doctype html><title>cells</title><script type="module" src="cells.js"></script>
<div id="cell"></div><p id="far">below</p>"""

CELLS = """
import widget from "./view.js";
window.sent = [];
window.passed = [];
const values = { width: 400, height: 300, still: null, key_help: [["M", "the next map"]] };
const heard = {};
const model = {
  get: (name) => values[name], send: (message) => sent.push(structuredClone(message)),
  on: (name, handler) => { heard[name] = handler; }, off: () => {},
};
window.tell = (message, ...buffers) => heard["msg:custom"](message, buffers);
document.addEventListener("keydown", (ev) => passed.push(ev.key));
document.addEventListener("wheel", () => passed.push("wheel"));
const made = widget();
made.initialize({ model });
made.render({ model, el: document.getElementById("cell") });
window.events = () => sent.filter((each) => each.type === "events").flatMap((each) => each.events);
window.ready = true;
"""


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    with Chromium(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture
def page(chromium):
    script = "text/javascript; charset=utf-8"
    site = {
        "/": File(PAGE.encode(), "text/html; charset=utf-8"),
        "/cells.js": File(CELLS.encode(), script),
        "/view.js": File(page_script().encode(), script),
    }
    with Server(site, None, "127.0.0.1", 0) as server:
        page = chromium.open(f"http://127.0.0.1:{server.port}/?token={server.admission.token}", 600, 500)
        page.wait("window.ready && sent.some((each) => each.type === 'watching' && each.on)")
        yield page
        page.close()
        assert [each for each in page.troubles if "favicon" not in each] == []


def places(page, kind):
    return [event for event in page.value("events()") if event[0] == kind]


def test_a_frame_is_shown_and_answered(page):
    picture = io.BytesIO()
    Image.fromarray(np.full((30, 40, 3), 200, np.uint8)).save(picture, "WEBP", lossless=True)
    content = list(picture.getvalue())
    page.value(
        f"tell({{ type: 'frame', number: 7, format: 'image/webp' }}, new Uint8Array({content}).buffer)"
    )
    page.wait("sent.some((each) => each.type === 'shown' && each.frame === 7)")
    assert page.value("document.querySelector('.vs-picture img').naturalWidth") == 40
    size = page.value("sent.find((each) => each.type === 'size')")
    assert size["width"] / size["height"] == pytest.approx(4 / 3, abs=0.02)


def test_hands_on_the_picture_are_its_own_once_it_was_clicked(page):
    def wheel():
        page.mouse("mouseWheel", *page.middle(".vs-picture"), deltaX=0, deltaY=-100)

    def told():  # of two messages of events without an answer no third one is sent
        page.value("tell({ type: 'heard', number: 1e6 })")

    wheel()
    page.wait("passed.includes('wheel')")
    assert places(page, "scroll") == [], "the page is scrolled"
    page.drag(page.middle(".vs-picture"), page.middle(".vs-picture", 0.75, 0.5))
    told()
    assert places(page, "press")[0][1:4] == [
        "left",
        pytest.approx(0.5, abs=0.01),
        pytest.approx(0.5, abs=0.01),
    ]
    assert places(page, "release")[0][2] == pytest.approx(0.75, abs=0.01)
    page.value("passed.length = 0")
    wheel()
    page.wait("events().some((each) => each[0] === 'scroll')")
    page.key("m")
    page.key("Tab")
    page.wait("passed.length")
    assert page.value("passed") == ["Tab"], "a cell's shortcut would act with each of its keys"
    assert [event[1] for event in places(page, "key")] == ["m", "m"]
    page.value("document.querySelector('.vs-controls button').click()")
    assert page.value("sent.at(-2)") == {"type": "request", "name": "pause"}
