"""Sessions: stepped, read, drawn and changed from Python; any number of them, and nothing stays behind."""

import gc
import os
import subprocess
import sys
import textwrap
import threading
import weakref

import numpy as np
import pytest
from commands import SMALL
from PIL import Image
from processes import own_descendants, wait_until

import valuescape
from valuescape.provenance.containers import kind_of, read_provenance
from valuescape.sim.config.files import load_config
from valuescape.sim.engine import Engine

TINY = dict(each.split("=") for each in SMALL if "simd" not in each)
TINY = {name: int(value) if value.isdigit() else value for name, value in TINY.items()}
TINY |= {"agents.count": 40, "features.simd": False}


def small(source="pendulum", **options):
    return valuescape.Session(source, TINY, **options)


def test_ticks_are_those_of_the_engine():
    with small(seed=4) as session:
        session.step(25)
        state = session.state
        assert state.tick == session.tick == 25
        changes = [f"{name}={str(value).lower()}" for name, value in TINY.items()]
        config = load_config(None, [*changes, "world.name=pendulum", "workers.count=0", "run.seed=4"])
        with Engine(config, valuescape.load("pendulum").checkpoint) as engine:
            engine.wait_ready()
            engine.advance_to(25)
            np.testing.assert_array_equal(state.state, engine.row("state", 25).T)
            np.testing.assert_array_equal(state.rewards, engine.row("reward", 25))
            np.testing.assert_array_equal(state.actions, engine.row("action", 25).T)
        np.testing.assert_allclose(state.obs, valuescape.load("pendulum").observe(state.state), rtol=1e-6)
        session.run(seconds=0.5)
        assert session.tick == 55


def test_what_is_read_are_copies():
    with small() as session:
        session.step(10)
        state, trails = session.state, session.trails
        before = state.state.copy(), trails.positions.copy()
        assert trails.ticks.tolist() == [7, 8, 9, 10]
        np.testing.assert_allclose(trails.positions[-1][:, 1], state.state[:, 1], rtol=1e-6)
        session.step(30)
        np.testing.assert_array_equal(state.state, before[0])
        np.testing.assert_array_equal(trails.positions, before[1])
        assert (session.state.state != before[0]).any()


def test_episodes_are_counted():
    with small("cartpole") as session:
        session.step(501)
        state = session.state
        assert (state.truncated | state.terminated | (state.episode > 0)).all()
        assert np.nanmax(state.returns) <= 500
        assert state.actions.dtype == np.int64


def test_pictures_are_of_the_present_tick_and_of_the_asked_size():
    with small(seed=1) as session:
        first = session.picture(200, 100)
        assert (first.shape, first.dtype) == ((100, 200, 3), np.uint8)
        assert (session.picture() == first).all()
        session.step(40)
        second = session.picture()
        assert (second != first).any()
        second[:] = 0
        assert session.picture().any()


def test_settings_change_at_once():
    with small() as session:
        session.step(5)
        before = session.picture(200, 100)
        session.set("heatmap.layer", "policy")
        session.set("render.view", "2d")
        assert (session.picture() != before).mean() > 0.1
        session.set("agents.count", 60)
        session.step()
        assert session.get("agents.count") == len(session.state.rewards) == 60
        with pytest.raises(valuescape.UsageError, match=r"did you mean agents\.count"):
            session.set("agents.cuont", 5)
        with pytest.raises(valuescape.UsageError, match="cannot change"):
            session.set("world.name", "cartpole")
        with pytest.raises(valuescape.UsageError, match="expected a whole number"):
            session.set("agents.count", "many")


def test_the_camera_goes_where_it_is_sent():
    with small() as session:
        session.set("render.view", "2d")
        whole = session.picture(240, 160)
        session.camera(center=(1.0, 2.0), zoom=3)
        assert (session.picture() != whole).mean() > 0.02
        session.camera(center=(0.0, 0.0), zoom=1)
        assert (session.picture() == whole).all()
        session.set("render.view", "3d")
        low = session.picture()
        session.camera(yaw_deg=10, pitch_deg=80)
        assert (session.picture() != low).mean() > 0.02
        for bad in ({"pitch_deg": 120}, {"zoom": 0}, {"yaw": 3}):
            with pytest.raises(valuescape.UsageError):
                session.camera(**bad)


def test_a_saved_picture_says_how_it_was_made(tmp_path, cli):
    with small(seed=2) as session:
        session.step(12)
        path = session.save_picture(tmp_path / "picture.png", 200, 120)
    status, out, errors = cli("replay", path)
    assert (status, errors) == (0, "")
    assert "all 24,000 pixels are equal" in out


def test_a_video_has_the_ticks_that_it_lasts_and_says_how_it_was_made(tmp_path):
    import av

    with small(seed=4) as session:
        session.step(2)
        session.set("policy.exploration", 0.25)
        path = session.video(tmp_path / "run.mp4", 0.4, fps=10)
        assert session.tick == 26
    with av.open(str(path)) as video:
        assert sum(1 for _ in video.decode(video=0)) == 4
    origin = read_provenance(path, kind_of(path))
    made = origin.made
    assert (made.kind, made.first, made.last, made.fps) == ("film", 2, 26, 10)
    assert [(each.tick, each.settings) for each in made.changes] == [(2, {"policy.exploration": 0.25})]
    assert origin.config.run.seed == 4


def test_two_sessions_take_turns():
    """Each has an OpenGL context, of which a thread has one at a time."""
    with small(seed=1) as one, small("cartpole", seed=1) as other:
        alone = one.picture(160, 120), other.picture(160, 120)
        for _ in range(3):
            one.step(2)
            other.step(2)
            pictures = one.picture(), other.picture()
        assert (pictures[0] != pictures[1]).any()
        assert (pictures[0] != alone[0]).any()
    with small(seed=1) as again:
        assert (again.picture(160, 120) == alone[0]).all()


def test_threads_share_a_session():
    found, failed = [], []

    def work(session):
        try:
            for _ in range(5):
                session.step()
            found.append(session.picture(100, 80))
        except Exception as error:
            failed.append(error)

    with small() as session:
        threads = [threading.Thread(target=work, args=(session,)) for _ in range(3)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert failed == []
        assert session.tick == 15
        assert len(found) == 3


def test_a_session_of_a_thread_is_closed_in_another():
    made = []
    thread = threading.Thread(target=lambda: made.append(small()))
    thread.start()
    thread.join()
    (session,) = made
    session.step()
    session.close()
    session.close()
    assert session.closed
    for asked in (session.step, lambda: session.tick, lambda: session.state):
        with pytest.raises(valuescape.UsageError, match="closed"):
            asked()


def test_one_that_is_forgotten_is_freed():
    session = small(workers=1)
    ended = weakref.ref(session._run.stage)
    assert len(own_descendants()) == 1
    del session
    gc.collect()
    wait_until(lambda: own_descendants() == set(), 3.0, "the worker ends")
    gc.collect()
    assert ended() is None


def test_an_exception_leaves_nothing():
    def failing(session):
        with session:
            session.step()
            raise ZeroDivisionError

    session = small(workers=1)
    with pytest.raises(ZeroDivisionError):
        failing(session)
    assert session.closed
    assert own_descendants() == set()


def test_what_cannot_be_run_leaves_nothing():
    for settings in ({"world.name": "nowhere"}, {"heatmap.layer": "x"}, {"agents.count": 0}, {"a.b": 1}):
        with pytest.raises(valuescape.UsageError):
            valuescape.Session("pendulum", settings)
    with pytest.raises(valuescape.UsageError, match="workers"):
        valuescape.Session("pendulum", workers=-1)


def test_a_model_in_memory_acts():
    with valuescape.Session(valuescape.load(valuescape.load("pendulum").checkpoint), TINY) as session:
        session.step(20)
        with small() as of_file:
            of_file.step(20)
            np.testing.assert_array_equal(session.state.state, of_file.state.state)


def test_a_fork_leaves_the_session_alone():
    with small(workers=1) as session:
        session.step()
        child = os.fork()
        if child == 0:
            refused = False
            try:
                session.step()
            except valuescape.UsageError:
                refused = True
            session.close()
            os._exit(0 if refused else 1)
        assert os.waitpid(child, 0)[1] == 0
        session.step()
        assert session.picture(64, 48).any()
        assert len(own_descendants()) == 1


def scripted(text, *arguments, stdin=False, **options):
    """Run a script without a `__main__` guard; return the ended process."""
    settings = f"TINY = {TINY!r}\nimport valuescape\n"
    text = settings + textwrap.dedent(text)
    command = [sys.executable, "-W", "error", *arguments]
    given = {"input": text} if stdin else {}
    command = command if stdin else [*command, "-c", text]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, **given, **options)


WITH_WORKERS = """
session = valuescape.Session("cartpole", TINY, workers=2)
session.step(5)
print(session.tick, session.picture(64, 48).shape)

"""


@pytest.mark.parametrize("arguments", [["-"], ["-i", "-q"], ["-c"]])
def test_workers_need_no_main_guard_and_nothing_is_said(arguments):
    """Of a script from a pipe, of a prompt that is fed lines, and of a command; never closed."""
    stdin = arguments != ["-c"]
    ended = scripted(WITH_WORKERS, *(arguments if stdin else []), stdin=stdin)
    assert "5 (48, 64, 3)" in ended.stdout
    assert ended.stderr.replace(">>> ", "").strip() == ""
    assert ended.returncode == 0


def test_a_script_file_needs_none_either(tmp_path):
    file = tmp_path / "script.py"
    file.write_text(f"TINY = {TINY!r}\nimport valuescape\n{WITH_WORKERS}")
    ended = subprocess.run([sys.executable, file], capture_output=True, text=True, timeout=100)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.count("5 (48, 64, 3)") == 1


def test_handlers_of_signals_stay_the_callers():
    ended = scripted(
        """
        import signal
        before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
        with valuescape.Session("cartpole", TINY, workers=1) as session:
            session.step()
            assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == before
            try:
                import os
                while True:
                    session.step(50)
                    session.picture(64, 48)
                    if session.tick >= 100:
                        os.kill(os.getpid(), signal.SIGINT)
            except KeyboardInterrupt:
                print("interrupted")
            session.step()
            print(session.picture().any())
        """
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.split() == ["interrupted", "True"]


def test_a_picture_file_is_what_was_drawn(tmp_path):
    with small() as session:
        drawn = session.picture(120, 90)
        found = np.asarray(Image.open(session.save_picture(tmp_path / "p.png")))
        assert found.shape == drawn.shape
        with pytest.raises(valuescape.UsageError, match=r"\.png"):
            session.save_picture(tmp_path / "p.jpg")
