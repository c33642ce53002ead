"""Alerts during a run: alarms, slow frames, changes that cost much."""

import pytest
from commands import SMALL
from hypothesis import given
from hypothesis import strategies as st
from run_states import live_settings

from valuescape.cli.app import run_cli
from valuescape.costs.alarms import Alarm, ChangeWatch, parse_alarms, recent_figures
from valuescape.costs.breakdown import SECTIONS
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.presets import LADDER, config_path, lighter_preset
from valuescape.render.displays.headless import HeadlessDisplay
from valuescape.run.length import RunLength
from valuescape.run.outputs import Outputs
from valuescape.run.session import Session
from valuescape.sim.config.files import changed, load_config
from valuescape.sim.errors import UsageError
from valuescape.sim.measuring.health import RunLog

TINY = [*SMALL, "workers.count=0", "world.name=mountain_car", "agents.count=30"]


def test_alarms_are_read_as_they_are_written():
    alarms = parse_alarms("fps < 30, level of detail_ms>12.5,mean_return < -200")
    assert alarms == (
        Alarm("fps", False, 30),
        Alarm("level of detail_ms", True, 12.5),
        Alarm("mean_return", False, -200),
    )
    assert parse_alarms(", ".join(map(str, alarms))) == alarms
    assert parse_alarms("") == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fps", "expected a figure"),
        ("fps = 3", "expected a figure"),
        ("fsp < 3", "'fsp' is no figure of a run"),
        ("trial_ms > 3", "'trial_ms' is no figure"),
        ("fps < 3.4.5", "is no number"),
    ],
)
def test_alarms_that_make_no_sense_are_refused(capsys, text, message):
    with pytest.raises(UsageError, match=r"health\.alarms"):
        parse_alarms(text)
    assert run_cli(["run", "demo", "--headless", "--set", f"health.alarms={text}"]) == 2
    assert message in capsys.readouterr().err


def test_an_alarm_rings_on_its_side_of_the_bound_and_never_for_what_is_unknown():
    low, high = Alarm("fps", False, 30), Alarm("trails_ms", True, 12)
    assert [low.rings({"fps": fps}) for fps in (29.9, 30, 31)] == [True, False, False]
    assert [high.rings({"trails_ms": ms}) for ms in (11, 12, 12.1)] == [False, False, True]
    assert not low.rings({})
    assert not low.rings({"fps": float("nan")})


def log_of(frame_s, busy_s, frames, began=100.0):
    log = RunLog(memory=[(began, 50_000_000)], segments=[77])
    for index in range(frames):
        log.frame_ends.append(began + index * frame_s)
        log.busy_s.append(busy_s)
    return log


def test_recent_figures_are_of_the_last_seconds():
    log = log_of(0.5, 0.4, 40)  # slow for 20 seconds
    now = log.frame_ends[-1]
    for index in range(1, 101):
        log.frame_ends.append(now + index * 0.02)
        log.busy_s.append(0.01)
    figures = recent_figures(log, log.frame_ends[-1], seconds=1.9)
    assert figures["fps"] == pytest.approx(50)
    assert figures["frame_ms"] == pytest.approx(20)
    assert figures["busy_ms"] == pytest.approx(10)
    assert (figures["memory_mb"], figures["segments"]) == (50, 77)
    assert recent_figures(log_of(1, 1, 1), 100.0) == {}
    slow = log_of(7.0, 6.9, 4)  # two frames are further apart than the seconds that are looked at
    assert recent_figures(slow, slow.frame_ends[-1])["fps"] == pytest.approx(1 / 7)


def told(watch, frames):
    """Feed a watch (settings, ms, number of frames); return what it says."""
    return [said for each, ms, times in frames for _ in range(times) if (said := watch.look(each, ms))]


def test_a_change_that_costs_more_than_ten_ms_is_told():
    before, after = live_settings(), live_settings(glow=1.2, flat=True)
    said = told(ChangeWatch(), [(before, 12.0, 60), (after, 90.0, 3), (after, 23.0, 60)])
    assert said == ["render.glow = 1.2, flat on: 11 ms more a frame (12, now 23 ms)"]


def test_a_change_of_the_configuration_is_named_by_its_key():
    config = load_config(None)
    after = live_settings(config=changed(config, {"agents.count": 5000}))
    said = told(ChangeWatch(), [(live_settings(), 12.0, 60), (after, 50.0, 60)])
    assert said == ["agents.count = 5000: 38 ms more a frame (12, now 50 ms)"]


def test_a_slider_s_many_changes_are_one():
    watch = ChangeWatch()
    told(watch, [(live_settings(), 10.0, 60)])
    steps = [(live_settings(glow=at / 10), 10.0 + 2 * at, 2) for at in range(1, 11)]
    assert told(watch, [*steps, (live_settings(glow=1.0), 30.0, 60)]) == [
        "render.glow = 1: 20 ms more a frame (10, now 30 ms)"
    ]


@given(st.floats(1, 100), st.floats(-50, 9.9))
def test_smaller_changes_and_none_at_all_are_not(before, more):
    watch = ChangeWatch()
    after = max(before + more, 0.5)
    assert told(watch, [(live_settings(), before, 60), (live_settings(glow=1.0), after, 60)]) == []
    assert (
        told(watch, [(live_settings(glow=1.0), after + 500, 60)]) == []
    )  # slower, but nobody changed anything


def test_a_lighter_preset_asks_for_less():
    high, medium, low = (load_config(config_path(name)) for name in LADDER)
    assert lighter_preset(high) == "medium"
    assert lighter_preset(medium) == "low"
    assert lighter_preset(low) is None
    assert lighter_preset(changed(low, {"agents.count": 90})) is None
    assert lighter_preset(changed(medium, {"agents.count": 100_000})) == "medium"


@pytest.mark.gpu
def test_a_run_says_that_it_is_slow_and_that_alarms_ring(tmp_path):
    settings = [*TINY, "health.warmup_s=0.3", "health.slow_below_fps=900", "render.max_fps=40"]
    settings += ["health.alarms=fps < 1000, segments > 1e9, trails_ms > 0", "stats.health_s=0.1"]
    settings = [each.replace("1e9", "1000000000") for each in settings]
    config = load_config(None, settings)
    with Session(config, RunLength(seconds=1.5), Outputs(tmp_path), headless=True) as session:
        report = session.run().report
        lamps = session.alerts.lamps
    said = [each["said"] for each in report["alerts"]]
    assert any(each.startswith("alarm: fps < 1000 (") for each in said)
    assert any(each.startswith("alarm: trails_ms > 0 (") for each in said)
    assert not any("segments" in each for each in said)
    assert lamps == [("fps < 1000", False), ("segments > 1e+09", True), ("trails_ms > 0", False)]
    assert all(each["at_s"] >= 0.3 for each in report["alerts"])


@pytest.mark.gpu
def test_what_is_slow_is_said_in_f3_and_a_lamp_leads_there(tmp_path):
    """Not as a notice over the picture: those are about what a person did."""
    settings = [*TINY, "health.warmup_s=0.2", "health.slow_below_fps=90000", "stats.health_s=0.05"]
    config = load_config(None, [*settings, "render.max_fps=0", "health.alarms=fps < 90000"])
    with Session(config, RunLength(seconds=1.2), Outputs(tmp_path), headless=True) as session:
        seen = []

        def look(_):
            session.viewer.profile_shown = True
            seen.append(session.annotations().heading.right)

        session.turn_frames(look)
        heard = [each.said for each in session.alerts.heard]
        session.ledger.stats.forget("captions")
        right, card = session.annotations().heading.right, session.annotations().cards[-1]
        assert right[0].startswith("● slow, alarm (F3) · ")
        assert "FPS, below 90000" in card.note
        assert ("fps < 90000", False) in card.lamps
        assert heard
        lines = {line for shown in seen for line in shown}
        assert not any("FPS, below" in line or "alarm:" in line for line in lines)
        assert not seen[0][0].startswith("●")
        session.alerts.begin_again(session.config)
        assert (session.alerts.lamp, session.alerts.notes) == ("", [])


@pytest.mark.gpu
def test_a_run_that_is_fast_again_is_slow_no_longer(tmp_path):
    config = load_config(None, [*TINY, "health.warmup_s=0.1", "stats.health_s=0.01", "render.max_fps=0"])
    with Session(config, RunLength(), Outputs(tmp_path), headless=True) as session:
        alerts, now = session.alerts, 1000.0
        log = session.log
        for index in range(200):
            log.frame_ends.append(now + index * 0.1)
            log.busy_s.append(0.09)
        alerts.look(session.state())
        assert alerts.lamp == "slow"
        now = log.frame_ends[-1]
        for index in range(1, 400):
            log.frame_ends.append(now + index * 0.02)
            log.busy_s.append(0.01)
        alerts.look(session.state())
        assert alerts.lamp == ""


@pytest.mark.gpu
def test_memory_s_growth_is_watched_anew_in_a_window_of_another_size(tmp_path):
    display = HeadlessDisplay((160, 120))
    config = load_config(None, [*TINY, "stats.memory_s=0.001"])
    length, outputs = RunLength(frames=20), Outputs(tmp_path)
    with Session(config, length, outputs, headless=True, display=display, panel=False) as session:
        kept = []

        def resize(progress):
            kept.append(len(session.log.memory))
            if progress.frames == 10:
                display.resize((200, 140))

        session.turn_frames(resize)
    assert kept[9] > 5
    assert kept[10] <= 2
    assert kept[-1] > 5


@pytest.mark.gpu
def test_a_run_that_begins_anew_is_judged_anew(tmp_path):
    """Ticks, frames and their parts are those of the new run; earlier alerts stay, with their times."""
    settings = [*TINY, "health.warmup_s=0.2", "stats.health_s=0.05", "sim.ticks_per_s=40"]
    config = load_config(None, [*settings, "health.alarms=ticks_per_s < 0, fps < 1000"])
    with Session(config, RunLength(seconds=3.0), Outputs(tmp_path), headless=True) as session:
        restarted = []

        def begin_again(progress):
            if progress.done > 0.4 and not restarted:
                assert session.ledger.parts()
                session.restart({"agents.count": 20})
                restarted.append(True)
                assert session.ledger.parts() == []
                assert not session.ledger.busy_ms
                assert session.alerts.lamps[0][1] is None

        session.turn_frames(begin_again)
        heard = session.alerts.heard
    assert [each.said[:17] for each in heard] == ["alarm: fps < 1000"] * 2
    assert heard[0].at_s < 0.6
    assert heard[1].at_s > 1.0


@pytest.mark.gpu
def test_all_sections_of_a_frame_are_known_by_name(tmp_path):
    """Alarms name them, so a new section has to be added to `SECTIONS`."""
    config = load_config(None, TINY)
    with Session(config, RunLength(frames=3), Outputs(tmp_path), headless=True, panel=True) as session:
        assert isinstance(session.meter, FrameMeter)
        session.turn_frames()
        names = set(session.meter.profiler.names) - {"frame", "exact frame"}
    assert names <= set(SECTIONS)
