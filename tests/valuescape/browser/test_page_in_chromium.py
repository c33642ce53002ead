"""The page of a run in a real browser: pictures, hands, the panel, lost connections, several viewers."""

import copy
import time

import numpy as np
import pytest
from chromium import PROGRAM, WHY_NOT, Chromium
from hands import SMALL
from relays import Relay

from valuescape.browser.server import Server
from valuescape.browser.session import BrowserSession
from valuescape.browser.site import page_site
from valuescape.render.displays.events import Action, Button, Key, Move, Press, Release, Scroll
from valuescape.render.displays.gestures import Gestures
from valuescape.render.displays.streaming.audience import Audience
from valuescape.render.displays.streaming.pictures import read_pixels
from valuescape.run.length import RunLength
from valuescape.run.outputs import Outputs
from valuescape.sim.config.files import load_config

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.browser,
    pytest.mark.skipif(PROGRAM is None, reason=WHY_NOT),
]

SIZE = 900, 560
FRAME = "document.querySelector('#picture').dataset.frame"
LOSSLESS = "document.querySelector('#picture').dataset.lossless === 'true'"
SIZED = (
    "Math.abs(document.querySelector('#picture').width"
    " - valuescape.picture.room.clientWidth * Math.min(devicePixelRatio, 2)) < 1"
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


def settle(run):
    """Let cameras come to where they were sent."""
    for _ in range(60):
        run.viewer.advance(0.5)


@pytest.mark.parametrize("scale", [1, 2])
def test_the_picture_is_that_of_the_run_pixel_for_pixel(run, browse, scale):
    page = browse(scale=scale)
    run.pause(True)
    run.until(
        lambda: page.value(LOSSLESS) and np.array_equal(page.pixels(), read_pixels(run.session.scene.picture))
    )
    width, height = page.value("[valuescape.picture.room.clientWidth, valuescape.picture.room.clientHeight]")
    assert run.audience.size_px == (round(width * scale), round(height * scale))
    shown = page.pixels()
    assert shown.shape == (height * scale, width * scale, 3)
    assert shown.std() > 10  # there is something in it


HAND = {
    "a drag orbits": [("drag", "left", (0.5, 0.5), (0.6, 0.45), (0.7, 0.55))],
    "the right button moves": [("drag", "right", (0.5, 0.5), (0.4, 0.55))],
    "the wheel zooms": [("wheel", 2, (0.6, 0.4))],
    "R resets": [("drag", "left", (0.5, 0.5), (0.7, 0.5)), ("key", "r", Action.RESET_VIEW)],
    "M walks through the maps": [("key", "m", Action.LAYER), ("key", "m", Action.LAYER)],
    "F9 flattens": [("key", "F9", Action.PROJECTION), ("drag", "left", (0.5, 0.5), (0.45, 0.4))],
}
LOOKED_AT = ("flat", "layer", "beside", "map_goal", "orbit_goal", "following", "trail_color")


@pytest.mark.parametrize("what", HAND)
def test_hands_do_what_they_do_in_a_window(run, browse, what):
    """The same events, played to the view of a window of the same size."""
    page = browse()
    size = run.audience.size_px
    window, gestures = copy.deepcopy(run.viewer), Gestures()
    for act in HAND[what]:
        for event in gestures.read(play(page, act, size)):
            window.handle(event, run.session.scene.plot(), size)
    before = run.viewer.orbit_goal, run.viewer.map_goal, run.viewer.layer, run.viewer.flat
    expected = {name: getattr(window, name) for name in LOOKED_AT}
    run.until(lambda: near({name: getattr(run.viewer, name) for name in LOOKED_AT}, expected))
    assert what == "R resets" or before != (
        *(run.viewer.orbit_goal, run.viewer.map_goal),
        *(run.viewer.layer, run.viewer.flat),
    )


def play(page, act, size):
    """Do something on the page, and return what a window would report."""
    match act:
        case ("key", key, action):
            page.key(key)
            return [Key(action)]
        case ("wheel", steps, at):
            page.mouse("mouseMoved", *page.middle("#picture", *at))
            page.mouse("mouseWheel", *page.middle("#picture", *at), deltaX=0, deltaY=-100 * steps)
            return [Scroll(steps, *pixel(at, size))]
        case ("drag", button, *places):
            page.drag(*(page.middle("#picture", *at) for at in places), button=button)
            button = Button(button)
            moves = [Move(*pixel(at, size)) for at in places]
            return [
                *(moves[0], Press(button, *pixel(places[0], size))),
                *(*moves[1:], Release(button, *pixel(places[-1], size))),
            ]


def pixel(at, size):
    return at[0] * size[0], at[1] * size[1]


def near(found, expected):
    """Whether views are the same but for a hundredth: a page tells of whole pixels of CSS."""
    return all(
        np.allclose(numbers(found[name]), numbers(value), atol=1e-2)
        if name.endswith("goal")
        else found[name] == value
        for name, value in expected.items()
    )


def numbers(camera):
    return [float(getattr(camera, name)) for name in camera.__dataclass_fields__]


def test_sliders_fields_lists_and_switches_change_the_run(run, browse):
    page = browse()
    looks = lambda: run.viewer.looks  # noqa: E731
    slider = '[data-widget="trails.opacity"] input[type=range]'
    places = [page.middle(slider, across) for across in (0.85, 0.6, 0.4, 0.25)]
    page.drag(*places)
    run.until(lambda: looks().trails.opacity < 0.35)
    page.wait(
        "!valuescape.panel.find('request undo').on === false || valuescape.panel.find('request undo').tip"
    )
    assert "0.85" in page.value("valuescape.panel.find('request undo').tip")  # the whole drag is one step
    page.type_anew('[data-widget="heatmap.contours"] input.number', "7")
    run.until(lambda: looks().heatmap.contours == 7)
    page.choose('[data-widget="heatmap.colormap"] select', "magma")
    run.until(lambda: looks().heatmap.colormap == "magma")
    page.click('[data-widget="trails.end_marks"] input')
    run.until(lambda: not looks().trails.end_marks)
    page.click('[data-widget="render.view"] label')
    run.until(lambda: run.viewer.flat)
    page.click('[data-widget="request pause"]')
    run.until(lambda: run.session.pace.paused)
    page.wait("document.querySelector('#tools button').getAttribute('aria-label') === 'Go on'")
    for _ in range(6):
        page.wait("!document.querySelector('[data-widget=\"request undo\"]').disabled")
        page.click('[data-widget="request undo"]')
        page.wait("!valuescape.touches.under.size")
        if looks().trails.opacity == 0.85:
            return
    raise AssertionError("what was done is not undone")


def test_what_is_refused_is_said_at_its_field(run, browse):
    page = browse()
    before = run.viewer.looks
    field = '[data-widget="trails.length"] input'
    page.type_anew(field, "1")
    refused = page.wait("document.querySelector('[data-row=\"trails.length\"] .refused').textContent")
    assert "from 2 to" in refused
    assert page.value(f"document.querySelector('{field}').getAttribute('aria-invalid')") == "true"
    page.type_anew(field, "33")
    page.wait("document.querySelector('[data-row=\"trails.length\"]').classList.contains('drafted')")
    assert page.value("document.querySelector('[data-row=\"trails.length\"] .refused').hidden")
    page.click('[data-widget="drop drafts"]')
    page.wait("!document.querySelector('[data-row=\"trails.length\"]').classList.contains('drafted')")
    assert run.viewer.looks == before
    assert run.session.config.trails.length == 16


def test_a_lost_connection_comes_back_by_itself(run, browse):
    with Relay(run.server.port) as relay:
        page = browse(port=relay.port)
        relay.cut()
        page.wait("document.querySelector('#waiting').textContent.includes('Connection lost')")
        assert page.value("document.querySelector('.lock').disabled")
        relay.open = True
        page.value("delete document.querySelector('#picture').dataset.frame")
        page.wait(READY)
        assert page.value("document.querySelector('#waiting').hidden")
        relay.hold(True)  # without a word
        page.wait("valuescape.link.heardAt -= 3000, document.documentElement.dataset.link !== 'open'")
        relay.hold(False)
        page.wait(f"valuescape.link.ready && {READY}")
        page.key("m")
        run.until(lambda: run.viewer.layer != "value")
        page.troubles.clear()  # the browser notes each connection that it could not open


def test_without_the_token_nothing_is_shown(run, chromium):
    page = chromium.open(f"http://127.0.0.1:{run.server.port}/")
    assert "token" in page.value("document.body.textContent")
    assert not page.value("'valuescape' in window")
    opened = page.value(
        "new Promise((say) => { const s = new WebSocket(`ws://${location.host}/messages`);"
        " s.onopen = () => say(true); s.onerror = () => say(false); })"
    )
    assert opened is False
    page.close()


def test_the_token_leaves_the_address(run, browse):
    page = browse()
    assert page.value("location.href") == f"http://127.0.0.1:{run.server.port}/"
    assert page.value("document.cookie") == ""


def test_one_viewer_controls_and_another_asks_for_it(run, browse):
    first = browse()
    second = browse(ready=f"{FRAME} && !document.querySelector('#banner').hidden")
    assert second.value("document.querySelector('.lock').disabled")
    second.key("m")
    second.drag(second.middle("#picture"), second.middle("#picture", 0.7))
    second.wait("true")
    before = run.viewer.layer, run.viewer.orbit_goal
    for _ in range(5):
        run.turn()
    assert (run.viewer.layer, run.viewer.orbit_goal) == before
    second.click("#banner button")
    first.wait("!document.querySelector('#asked').hidden")
    first.click("#asked button.main")
    second.wait("valuescape.viewers.controls && document.querySelector('#banner').hidden")
    first.wait("!document.querySelector('#banner').hidden && document.querySelector('.lock').disabled")
    second.key("m")
    run.until(lambda: run.viewer.layer != before[0])
    first.click("#banner button")
    second.wait("!document.querySelector('#asked').hidden")
    second.click("#asked button:not(.main)")
    first.wait("document.querySelector('#banner').textContent.includes('keeps control')")


def test_fingers_orbit_move_zoom_and_reset(run, browse):
    page = browse(360, 740, scale=2, mobile=True)
    start = copy.copy(run.viewer.orbit_goal)
    middle, aside = page.middle("#picture"), page.middle("#picture", 0.75)
    page.touch([middle], [page.middle("#picture", 0.6)], [aside])
    run.until(lambda: run.viewer.orbit_goal.yaw != start.yaw)
    assert run.viewer.orbit_goal.distance == start.distance
    (x, y), far = middle, run.viewer.orbit_goal.distance
    spread = [[(x - reach, y), (x + reach, y)] for reach in (30, 45, 60)]
    page.touch(*spread)
    run.until(lambda: run.viewer.orbit_goal.distance < 0.8 * far)
    page.touch([middle])
    page.touch([middle])
    run.until(
        lambda: (run.viewer.orbit_goal.yaw, run.viewer.orbit_goal.distance) == (start.yaw, start.distance)
    )
    assert run.viewer.selected is None


OPENED = "document.querySelectorAll('.section').forEach((each) => { each.open = true; })"


@pytest.mark.parametrize("width", [360, 620])
def test_a_phone_s_width_needs_no_scrolling_aside(run, browse, width):
    page = browse(width, 740, mobile=True)
    page.key("F3")
    page.value(f"valuescape.showPanel(true); {OPENED}; valuescape.panel.explain()")
    page.wait("!!document.querySelector('.card')")
    beyond = page.value(
        "[...document.querySelectorAll('#panel *, #top *, #tools button')].filter((e) =>"
        f" e.getBoundingClientRect().width && e.getBoundingClientRect().right > {width} + 0.5"
        " && !e.closest('.unseen')).map((e) => e.className + e.textContent.slice(0, 40))"
    )
    assert beyond == []
    assert page.value("document.documentElement.scrollWidth") == width
    assert page.value("document.querySelector('#panel').scrollWidth") <= width


TOUCHABLE = {
    *("button", "checkbox", "combobox", "MenuListPopup", "radio", "slider", "textbox", "searchbox"),
    *("DisclosureTriangle", "application", "spinbutton", "toolbar", "link"),
}


def test_everything_that_can_be_touched_has_a_name(run, browse):
    page = browse()
    page.key("F3")
    page.value(OPENED)
    page.wait("!!document.querySelector('.card')")
    nodes = [each for each in page.accessible() if each["role"] in TOUCHABLE or each.get("focusable")]
    nameless = [each for each in nodes if not each["name"].strip() and each["role"] != "MenuListPopup"]
    assert [each for each in nameless if each["role"] != "RootWebArea"] == []
    many = page.value("document.querySelectorAll('button, input, select').length")
    assert len(nodes) > 0.5 * many > 60
    assert page.value("document.querySelector('#notice').getAttribute('role')") == "status"


CONTRASTS = """
(() => {
  const parse = (color) => {
    const parts = color.match(/[\\d.]+/g).map(Number);
    return [...parts.slice(0, 3), parts[3] ?? 1];
  };
  const over = ([r, g, b, a], [x, y, z]) =>
    [r * a + x * (1 - a), g * a + y * (1 - a), b * a + z * (1 - a)];
  const linear = (v) => v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const ground = (e) => {
    const stack = [];
    for (; e; e = e.parentElement) stack.push(parse(getComputedStyle(e).backgroundColor));
    return stack.reverse().reduce((under, color) => over(color, under), [18, 21, 27]);
  };
  const passed = ':disabled, .unseen, noscript, option, svg, .skip, [hidden]';
  const poor = [];
  for (const e of document.querySelectorAll('body *')) {
    const own = [...e.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || e.closest(passed) || !e.getClientRects().length) continue;
    const under = ground(e);
    const [ink, back] = [light(over(parse(getComputedStyle(e).color), under)), light(under)];
    const ratio = (Math.max(ink, back) + 0.05) / (Math.min(ink, back) + 0.05);
    if (ratio < 4.5) poor.push([e.className, e.textContent.slice(0, 30), ratio]);
  }
  return poor;
})()
"""
"""Texts whose contrast is below that of WCAG 2.2, AA (1.4.3)."""


@pytest.mark.parametrize("dark", [False, True])
def test_texts_stand_out_from_what_is_behind_them(run, browse, dark):
    page = browse(dark=dark)
    page.key("F3")
    page.key("h")
    page.value(f"{OPENED}; valuescape.panel.explain()")
    page.wait("document.querySelector('.card') && valuescape.cards.help.open")
    assert page.value(CONTRASTS) == []
    assert page.value("getComputedStyle(document.body).backgroundColor") == (
        "rgb(14, 18, 23)" if dark else "rgb(245, 247, 249)"
    )


def test_help_is_opened_by_the_run_s_key_and_closed_by_escape(run, browse):
    page = browse()
    page.key("h")
    page.wait("valuescape.cards.help.open")
    assert "orbit the height field" in page.value("valuescape.cards.help.textContent")
    page.key("Escape")
    run.until(lambda: not run.viewer.help_shown)
    page.wait("!valuescape.cards.help.open")


def test_video_is_decoded_where_the_browser_can(run, browse):
    page = browse()
    codecs = page.value("valuescape.codecs")
    if not codecs:
        pytest.skip("this Chromium decodes no video")
    for codec in codecs:
        page.value(f"valuescape.link.send({{type: 'accepts', codecs: ['{codec}'], prefer: 'video'}})")
        page.wait(f"document.querySelector('#picture').dataset.format === 'video/{codec}'")
        before = int(page.value(FRAME))
        page.wait(f"Number({FRAME}) > {before} + 3")
        run.viewer.turn_deg_per_s = 0.0
        shown, drawn = page.pixels().astype(int), read_pixels(run.session.scene.picture).astype(int)
        assert shown.shape == drawn.shape
        assert np.abs(shown - drawn).mean() < 6
    assert page.value("document.querySelector('#waiting').hidden")


def test_the_picture_is_copied_without_loss(run, browse):
    page = browse()
    run.pause(True)
    page.value(
        "window.copied = null; navigator.clipboard.write = async ([item]) => {"
        " copied = await item.getType('image/png'); };"
        " document.querySelector('#tools [aria-label=\"Copy the picture\"]').click()"
    )
    page.wait("copied && copied.size")
    start = page.value("copied.arrayBuffer().then((b) => [...new Uint8Array(b.slice(0, 8))])")
    assert bytes(start) == b"\x89PNG\r\n\x1a\n"
    page.wait("document.querySelector('#notice').textContent.includes('clipboard')")
