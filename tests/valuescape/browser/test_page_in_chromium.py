"""The page of a run in a real browser: pictures, lost connections, several viewers, and everybody's needs."""

import re

import numpy as np
import pytest
from relays import Relay
from shown_runs import FRAME, LOSSLESS, NEEDS_CHROMIUM, READY, browse, chromium, run

from valuescape.render.displays.streaming.pictures import read_pixels

__all__ = ["browse", "chromium", "run"]

pytestmark = NEEDS_CHROMIUM


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
    numbers = re.findall(r"viewer (\d+)", second.value("document.querySelector('#banner').textContent"))
    assert int(numbers[0]) == int(numbers[1]) + 1  # its own, and that of the one that controls
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


@pytest.mark.parametrize("width", [900, 360])
def test_what_is_said_above_the_picture_leaves_its_size(run, browse, width):
    """It would be drawn anew in another size whenever a text comes, and hands on it miss by a pixel."""
    page = browse(width, 740)
    heights = page.value(
        "[['', ''], ['Ag', 'ν̂ → 3 · ⌘ 漢'], ['', 'x'.repeat(500)]].map(([name, more]) => {"
        " valuescape.cards.showHeading({ left: [name, more, more], right: [name, more] });"
        " return valuescape.picture.room.clientHeight; })"
    )
    assert len(set(heights)) == 1
    assert heights[0] > 200


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
        height, width = shown.shape[:2]
        assert [size - size % 2 for size in drawn.shape[:2]] == [height, width], "videos have even sizes"
        assert np.abs(shown - drawn[:height, :width]).mean() < 6
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
