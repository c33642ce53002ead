"""Heading, report and last frame of the video of a run are of the same tick."""

import re
import time
from dataclasses import replace

import av
import numpy as np
import pytest
from commands import SMALL
from linear_critics import linear_checkpoint
from PIL import Image

from valuescape.provenance.containers import KEYWORD
from valuescape.render.displays.events import Action, Key
from valuescape.render.displays.headless import HeadlessDisplay
from valuescape.render.displays.recorder import pixels
from valuescape.run.length import RunLength
from valuescape.run.outputs import Outputs
from valuescape.run.session import Session
from valuescape.sim.config.files import load_config
from valuescape.sim.engine import Engine
from valuescape.sim.policy.formats import native
from valuescape.sim.shared.layout import NO_LIMIT
from valuescape.sim.shared.orders import read_orders
from valuescape.sim.worlds import make_world

pytestmark = pytest.mark.gpu

WAYS = {
    "workers beside the frames": ["workers.count=2"],
    "no workers": ["workers.count=0"],
    "in step": ["workers.count=2", "features.async_physics=false"],
    "as fast as can be": ["workers.count=2", "sim.ticks_per_s=0"],
    "no cache": ["workers.count=2", "features.stats_cache=false"],
}


def a_config(*settings):
    """Return a configuration in which much changes within a second: episodes end within 200 ticks."""
    return load_config(
        None, [*SMALL, "world.name=mountain_car", "agents.count=64", "sim.ticks_per_s=2000", *settings]
    )


def said_last(session):
    """Return tick, episodes and mean return as the last picture's heading has them."""
    text = " | ".join(session.drawn[-1].heading.right)
    tick = re.search(r"tick ([\d,]+)", text)[1]
    found = re.search(r"([\d,]+) episodes? · mean return (−?[\d.]+)", text)
    episodes, mean_return = found.groups() if found else ("0", "nan")
    return *(int(each.replace(",", "")) for each in (tick, episodes)), float(mean_return.replace("−", "-"))


def watch_drawing(session):
    """Note the captions of every picture that is drawn, in `session.drawn`."""
    session.drawn, draw = [], session.scene.draw

    def noted(viewer, said):
        session.drawn.append(said)
        draw(viewer, said)

    session.scene.draw = noted


def watch_recording(session):
    """Return a list that gets every frame as it is added to the video."""
    given = []
    if session.recorder:
        write = session.recorder._write_newest

        def noted():
            if session.recorder._newest:
                given.append(pixels(session.recorder._newest, session.scene.picture.size))
            write()

        session.recorder._write_newest = noted
    return given


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("recorded", [False, True], ids=["", "recorded"])
def test_heading_report_and_video_are_of_the_same_tick(tmp_path, way, recorded):
    config = a_config(*WAYS[way])
    video = tmp_path / "run.mp4" if recorded else None
    with Session(config, RunLength(seconds=0.5), Outputs(tmp_path, video), headless=True) as session:
        watch_drawing(session)
        given = watch_recording(session)
        report = session.run().report
        tick, episodes, mean_return = said_last(session)
        assert (tick, episodes) == (report["ticks"], report["episodes"])
        if episodes:
            assert mean_return == pytest.approx(report["mean_return"], abs=0.0501)
        assert episodes > 0 or tick < 200
        engine = session.engine
        time.sleep(0.05)
        assert engine.newest_tick == engine.furthest_tick == tick
        assert engine.episode_stats().finished == episodes
    with Image.open(tmp_path / "last-frame.png") as image:
        picture = np.array(image.convert("RGB"), np.int16)
    if video:
        with av.open(str(video)) as container:
            frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
        assert len(frames) == report["frames"]
        np.testing.assert_array_equal(given[-1], picture)
        assert np.abs(picture - frames[-1]).mean() < 8  # sharp lines, of which H.264 loses a little


def test_a_run_of_exact_ticks_ends_there(tmp_path):
    config = a_config("workers.count=2")
    with Session(config, RunLength(ticks=501), Outputs(tmp_path), headless=True) as session:
        watch_drawing(session)
        assert session.run().report["ticks"] == said_last(session)[0] == 501


def test_what_is_paused_ends_where_it_was(tmp_path):
    config = a_config("workers.count=2")
    with Session(config, RunLength(seconds=0.6), Outputs(tmp_path), headless=True) as session:
        paused = []

        def pause(progress):
            if progress.done > 0.5 and not paused:
                session.pace.pause()
                paused.append(session.engine.furthest_tick)

        report = session.run(pause).report
        assert report["ticks"] == session.engine.furthest_tick
        assert paused[0] <= report["ticks"] <= paused[0] + 8  # a tick begun is made


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_an_engine_that_rests_makes_no_tick(workers):
    config = a_config(f"workers.count={workers}", "sim.ticks_per_s=0")
    with Engine(config, None) as engine:
        engine.wait_ready()
        for _ in range(20):
            engine.run_freely()
            engine.check()
            time.sleep(0.005)
            tick = engine.rest()
            assert engine.newest_tick == engine.furthest_tick == tick
            time.sleep(0.005)
            assert engine.newest_tick == engine.furthest_tick == tick
        engine.run_until(tick + 3)
        while engine.newest_tick < tick + 3:
            engine.check()
        assert engine.rest() == tick + 3  # nobody goes beyond what was wanted
        assert read_orders(engine.arena).limit != NO_LIMIT


def test_a_run_that_ends_blind_leaves_a_picture(tmp_path):
    display = HeadlessDisplay((160, 120))
    config = a_config("workers.count=0")
    length, outputs = RunLength(frames=12), Outputs(tmp_path)
    with Session(config, length, outputs, headless=True, display=display, panel=False) as session:
        watch_drawing(session)
        session.turn_frames(lambda progress: setattr(session.viewer, "blind", progress.frames >= 4))
        drawn = len(session.drawn)
        assert drawn == 5
        assert [card.title for card in session.drawn[-1].cards] == []
        report = session.run().report
        assert len(session.drawn) > drawn
        assert said_last(session)[0] == report["ticks"]


def test_the_last_picture_before_going_blind_says_how_to_see_again(tmp_path):
    """Also with text off, and after the window got another size."""
    display = HeadlessDisplay((400, 300))
    display.events = []
    display.poll = lambda: [display.events.pop(0)] if display.events else []
    config = a_config("workers.count=0", "stats.captions_s=60")
    length, outputs = RunLength(), Outputs(tmp_path)
    with Session(config, length, outputs, headless=True, display=display, panel=False) as session:
        watch_drawing(session)
        session.pace.start()
        for _ in range(4):
            session._frame(0.02)
        before = session.scene.picture.read()
        display.events.append(Key(Action.BLIND))
        session._frame(0.02)
        assert [card.title for card in session.drawn[-1].cards] == ["viewer off"]
        with_card = session.scene.picture.read()
        drawn = len(session.drawn)
        session._frame(0.02)
        assert len(session.drawn) == drawn
        display.events.append(Key(Action.INTERFACE))
        display.resize((420, 300))
        session._frame(0.02)
        assert len(session.drawn) == drawn + 1
        display.events += [Key(Action.BLIND), Key(Action.INTERFACE)]
        for _ in range(3):
            session._frame(0.02)
        assert [card.title for card in session.drawn[-1].cards] == []
        assert before != with_card


def test_a_critic_that_diverged_leaves_report_and_picture(tmp_path, monkeypatch):
    """The ends of its colour scale are greater than metadata may hold."""
    told = []
    monkeypatch.setattr("valuescape.remarks._listeners", [told.append])
    monkeypatch.setattr("valuescape.remarks._told", set())
    world = make_world("point_mass")
    low, high = world.action.low, world.action.high
    critic = linear_checkpoint([1e19] * len(world.obs), action=[0.0] * len(low))
    made = replace(critic, world=world.name, action_low=low, action_high=high)
    native.save(made, tmp_path / "diverged.safetensors")
    acting = f'policy.checkpoint="{tmp_path / "diverged.safetensors"}"'
    config = a_config("world.name=point_mass", acting, "workers.count=0")
    with Session(config, RunLength(ticks=2), Outputs(tmp_path), headless=True) as session:
        files = session.run().files
    assert {each.name for each in files} == {"last-frame.png", "run.json"}
    assert all(each.exists() for each in files)
    (said,) = (each for each in told if "made again" in each)
    assert "the picture does not say how it was made" in said
    assert "ends.value.0 = " in said
    with Image.open(tmp_path / "last-frame.png") as picture:
        assert KEYWORD not in picture.info
