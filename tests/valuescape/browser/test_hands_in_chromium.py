"""Hands on the page of a run in a real browser: on the picture, and on the panel beside it."""

import copy

import numpy as np
import pytest
from shown_runs import NEEDS_CHROMIUM, browse, chromium, run

from valuescape.render.displays.events import Action, Button, Key, Move, Press, Release, Scroll
from valuescape.render.displays.gestures import Gestures

__all__ = ["browse", "chromium", "run"]

pytestmark = NEEDS_CHROMIUM

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
    page.key("Escape")
    assert page.value(f"document.querySelector('{field}').value") == "16"
    assert page.value("document.querySelector('[data-row=\"trails.length\"] .refused').hidden")
    page.type_anew(field, "33")
    page.wait("document.querySelector('[data-row=\"trails.length\"]').classList.contains('drafted')")
    assert page.value("document.querySelector('[data-row=\"trails.length\"] .refused').hidden")
    page.click('[data-widget="drop drafts"]')
    page.wait("!document.querySelector('[data-row=\"trails.length\"]').classList.contains('drafted')")
    assert run.viewer.looks == before
    assert run.session.config.trails.length == 16


def test_a_name_that_is_none_for_a_preset_is_refused_in_the_form_which_stays(run, browse):
    page = browse()
    page.click(".saving summary")
    page.value("valuescape.panel.presetName.value = '../../evil'")
    page.click(".saving button")
    assert "is no name for a preset" in page.wait("valuescape.panel.saveSaid.textContent")
    assert page.value("valuescape.panel.saveDetails.open && !valuescape.panel.saveSaid.hidden")


def test_help_is_opened_by_the_run_s_key_and_closed_by_escape(run, browse):
    page = browse()
    page.key("h")
    page.wait("valuescape.cards.help.open")
    assert "orbit the height field" in page.value("valuescape.cards.help.textContent")
    page.key("Escape")
    run.until(lambda: not run.viewer.help_shown)
    page.wait("!valuescape.cards.help.open")


def test_after_a_click_on_a_tool_keys_are_the_pictures_and_after_a_key_on_it_its_own(run, browse):
    page = browse()
    page.click('[aria-label="Pause"]')
    run.until(lambda: run.session.pace.paused)
    assert page.value("document.activeElement.id") == "picture"
    page.key(" ")
    run.until(lambda: not run.session.pace.paused)
    page.wait("document.querySelector('#tools button').getAttribute('aria-label') === 'Pause'")
    page.value("document.querySelector('#tools button').focus()")
    page.key("Enter")
    run.until(lambda: run.session.pace.paused)
    assert page.value("document.activeElement.getAttribute('aria-label')") in ("Pause", "Go on")
