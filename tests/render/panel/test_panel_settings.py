"""Settings get their rows from their declarations: ends, tips, search, marks, drafts."""

import pytest
from panel_hands import a_standing

from valuescape.render.displays.events import Move
from valuescape.render.panel.texts import tip
from valuescape.render.view.changes import Restart
from valuescape.sim.config.files import load_config
from valuescape.sim.config.model import Config, settings_of
from valuescape.sim.config.picture_sections import RenderConfig
from valuescape.sim.config.setting import Group, Live, setting
from valuescape.sim.config.setting import Panel as Hint

pytestmark = pytest.mark.gpu

RUN, TRAILS, EFFECTS = "Run", "Trails and agents", "Effects"


def test_typed_settings_come_with_the_restart_and_are_kept_if_it_comes_to_nothing(a_hand):
    hand = a_hand()
    hand.click(*hand.place((RUN, "trail length")))
    hand.type_anew("0")
    for _ in range(2):
        hand.click(*hand.place(("toolbar", "restart with these")))
        assert hand.changes.pop() == Restart({"trails.length": 2})  # the least there can be
    hand.standing = a_standing(config=load_config(None, ["world.name=cartpole", "trails.length=61"]))
    hand.click(*hand.place((RUN, "trail length")))
    hand.type_anew("61")
    hand.frame()
    assert "trails.length" not in hand.drafts  # it has come true


class Hazy(RenderConfig):
    """A section with one more setting, declared as any other."""

    haze: float = setting(
        0.0,
        "how far one cannot see",
        unit="m",
        ge=0,
        le=9,
        live=Live.LOOKS,
        panel=Hint(Group.EFFECTS, 3, "haze", 0, 2, "%.1f m"),
    )


class HazyConfig(Config):
    render: Hazy = Hazy()


def test_a_new_setting_takes_one_declaration(a_hand):
    """From it alone come the widget with its ends, the tip, the change, and the look that is drawn by."""
    config = HazyConfig.model_validate(load_config(None, ["world.name=cartpole"]).model_dump())
    hand = a_hand(config=config)
    before = hand.viewer.looks
    assert before.render.haze == 0
    x, y = hand.place((EFFECTS, "haze"))
    hand.click(x, y, control=True)
    hand.type_anew("1.5")
    assert hand.viewer.looks.render.haze == 1.5
    hand.click(x, y, control=True)
    hand.type_anew("7")
    assert hand.viewer.looks.render.haze == 2
    assert hand.viewer.looks == before.having("render.haze", 2.0)
    assert tip(settings_of(HazyConfig)["render.haze"]) == "render.haze: how far one cannot see (m)"
    for _ in range(20):
        hand.frame(Move(x, y))
    assert hand.panel._contents.tip == "render.haze: how far one cannot see (m)"


def labels(hand, heading):
    return [label for group, label in hand.recorder.widgets if group == heading]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("tolerance", {"lod.tolerance_px"}),
        (
            "HEALTH fps",
            {f"health.{key}" for key in ("warmup_s", "fps_std_below", "slow_below_fps", "alarms")},
        ),
        ("gold rush", set()),
    ],
)
def test_a_search_leaves_the_settings_whose_name_label_or_meaning_has_all_words(a_hand, query, found):
    hand = a_hand()
    hand.search(query)
    headings = {"[lod]", "[health]"}
    keys = {name.partition(".")[2].replace("_", " ") for name in found}
    assert {label for group, label in hand.recorder.widgets if group in headings} == keys
    assert {group for group, _ in hand.recorder.widgets} - headings == {"toolbar"}
    hand.click(*hand.place(("toolbar", "×")))
    assert labels(hand, "Run")


PLACED = {"heatmap.slice", "policy.steps", "world.parameters"}
LISTED = [
    each
    for each in settings_of().values()
    if not each.declared.panel and each.name not in PLACED and isinstance(each.default, str | int | float)
]


def test_every_setting_is_found_by_its_name_and_changes_alone(a_hand):
    """Those without a declared widget, in their collapsed headings: all can be drafted or are live."""
    hand = a_hand()
    for each in LISTED:
        hand.search(each.name)
        label = "select" if each.name == "render.select" else each.key.replace("_", " ")
        key = f"[{each.section}]", label
        assert key in hand.recorder.widgets, each.name
        before = hand.settings() | view_of(hand)
        touch(hand, each, key)
        after = hand.settings() | view_of(hand)
        differing = {name for name in {*before, *after} if before.get(name) != after.get(name)}
        asked = {change.name for change in hand.changes}  # of the run, which takes live settings over
        hand.changes.clear()
        assert differing | asked == (set() if each.declared.once else {each.name}), each.name
        assert bool(asked) is (each.declared.live is Live.RUN)
        assert hand.conflicts == 0


def view_of(hand):
    return {name: hand.viewer.value(name) for name in ("render.select", "render.place", "render.follow")}


def touch(hand, setting, key):
    """Give a setting another value with its widget, whatever that is."""
    _, x, y, height, _ = hand.recorder.widgets[key]
    if isinstance(setting.default, bool) or setting.declared.once:
        hand.click(x + 8, y)
    elif setting.choices:
        hand.click(x + 10, y)
        hand.click(x + 10, hand.list_y(y, height, 0 if setting.choices.index(setting.default) else 1))
    else:
        if setting.words and isinstance(setting.default, str):
            hand.click(*hand.place((key[0], f"##keep {key[1]}")))
        hand.click(x + 10, y)
        plain_text = isinstance(setting.default, str) and not setting.words
        hand.type_anew("text" if plain_text else "3" if setting.whole else "2.5")


def test_headings_beyond_those_of_the_picture_are_closed_at_first(a_hand):
    hand = a_hand()
    headings = [
        label for (_, label), widget in hand.recorder.widgets.items() if widget[0] == "collapsing_header"
    ]
    shut = {label for label in headings if len(labels(hand, label)) == 1}
    assert shut == {label for label in headings if label.startswith("[")} | {"Health"}  # numbers to read
    assert {"[features]", "[lod]", "[health]", "[policy]"} <= shut


def test_what_differs_from_the_start_is_marked_and_one_click_resets_it(a_hand):
    hand = a_hand()
    name = "↺##reset trails.opacity"
    assert name not in labels(hand, TRAILS)
    hand.click(*hand.place((TRAILS, "opacity")), control=True)
    hand.type_anew("0.25")
    hand.frame()
    assert hand.viewer.looks.trails.opacity == 0.25
    hand.click(*hand.place((TRAILS, name)))
    assert hand.viewer.looks.trails.opacity == 0.85
    hand.frame()
    assert name not in labels(hand, TRAILS)


def test_a_draft_is_marked_and_dropped_alone_or_with_all(a_hand):
    hand = a_hand()
    for label, text in (("trail length", "70"), ("seed", "9")):
        hand.click(*hand.place((RUN, label)))
        hand.type_anew(text)
    assert hand.drafts == {"trails.length": 70, "run.seed": 9}
    hand.frame()
    hand.click(*hand.place((RUN, "↺##reset run.seed")))
    assert hand.drafts == {"trails.length": 70}
    hand.click(*hand.place(("toolbar", "drop")))
    assert hand.drafts == {}


def test_a_run_that_began_anew_with_another_value_drafts_the_first_one_back(a_hand):
    hand = a_hand()
    hand.standing = a_standing(
        config=load_config(None, ["world.name=cartpole", "trails.length=61"]), past=hand.standing.past
    )
    hand.frame()
    hand.click(*hand.place((RUN, "↺##reset trails.length")))
    assert hand.drafts["trails.length"] == 64
