"""Views: a run in a thread, as the code of a notebook sees it; with a page that a test plays."""

import ctypes
import gc
import io
import threading
import time
import weakref
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
from networks import checkpoint_of, random_mlp
from PIL import Image

import valuescape
from valuescape.notebook import running, view
from valuescape.notebook.kernel import Kernel
from valuescape.run import paged_session
from valuescape.sim.errors import UsageError

pytestmark = pytest.mark.gpu

SMALL = {"agents.count": 40, "workers.count": 0, "trails.length": 16, "render.mesh_resolution": 16}
OPENED = []


class Page:
    """A page without a browser: keeps what it is sent, and answers every frame at once."""

    def __init__(self, size):
        self.got, self.receive = [], None
        self.widget = SimpleNamespace(close=lambda: None, _repr_mimebundle_=lambda **_: ({"widget": 1}, {}))
        OPENED.append(self)

    def listen(self, receive):
        self.receive = receive

    def send(self, content, picture=None):
        self.got.append((dict(content), picture))
        if content["type"] == "frame":
            self.receive({"type": "shown", "frame": content["number"]})

    def keep(self, still):
        self.still = still

    def of(self, kind):
        return [content for content, _ in list(self.got) if content["type"] == kind]

    def wait_for(self, kind, ready=lambda content: True):
        end = time.monotonic() + 20
        while time.monotonic() < end:
            if found := [each for each in self.of(kind) if ready(each)]:
                return found[-1]
            time.sleep(0.01)
        raise AssertionError(f"no such {kind}")


@pytest.fixture
def show(monkeypatch):
    """Return `show` of small views; they are closed after the test, and nothing may be left of them."""
    monkeypatch.setattr(view, "Page", Page)
    children, shown = set(psutil.Process().children(recursive=True)), []

    def show(*what, **settings):
        made = valuescape.show(*what, **{"width": 240, "height": 160, "settings": SMALL, **settings})
        shown.append(weakref.ref(made))
        return made, OPENED[-1]

    yield show
    for each in shown:
        if each() is not None:
            each().close()
    until(lambda: threads() == [])  # a view that nothing refers to is ending
    left = [each.pid for each in set(psutil.Process().children(recursive=True)) - children]
    assert left in ([], [tracker()])


def tracker():
    """The process that Python keeps beside those that are spawned."""
    from multiprocess.resource_tracker import _resource_tracker

    return _resource_tracker._pid


def linear_model(seed):
    """A policy and a critic of one layer, for the pendulum."""
    actor, critic = (random_mlp((3, 1), seed=2 * seed + each) for each in range(2))
    torque = np.float32([2])
    pendulum = {"action_low": -torque, "action_high": torque, "critics": (critic,)}
    return replace(checkpoint_of(actor), **pendulum)


def threads():
    return [each for each in threading.enumerate() if each.name == "valuescape-view"]


def until(ready, seconds=20):
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_the_value_of_a_cell_is_the_widget_with_a_still_picture(show):
    shown, page = show()
    data, _ = shown._repr_mimebundle_()
    assert data["widget"] == 1
    picture = np.asarray(Image.open(io.BytesIO(data["image/png"])))
    assert picture.shape == (160, 240, 3)
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 200
    kept = np.asarray(Image.open(io.BytesIO(page.still))).astype(int)
    assert np.abs(kept - picture).mean() < 6
    assert shown.state.tick >= 16, "trails have their length"


def test_settings_change_while_it_runs(show):
    shown, _ = show()
    before = shown.picture()
    shown.set("heatmap.layer", "density")
    assert shown.setting("heatmap.layer") == "density"
    assert not np.array_equal(shown.picture(), before)
    shown.set("world.name", "pendulum")  # begins the run anew
    assert shown.state.world.name == "pendulum"
    for name, value, said in (
        ("heatmap.layer", "nothing", "unknown"),
        ("heatmap.lyer", 1, "did you mean layer"),
        ("agents.count", -1, "agents.count"),
        ("render.width", 300, "when a view is opened"),
    ):
        with pytest.raises(UsageError, match=said):
            shown.set(name, value)
    assert not shown.closed


def test_it_pauses_steps_and_goes_on(show):
    shown, page = show()
    page.receive({"type": "watching", "on": True})
    shown.pause()
    shown.pause()
    tick = shown.call(lambda session: session.pace.rest())
    shown.step()
    until(lambda: shown.call(lambda session: session.engine.newest_tick) == tick + 1)
    shown.play()
    until(lambda: shown.state.tick > tick + 5)
    with pytest.raises(UsageError, match=r"inside of view\.call"):
        shown.call(lambda _: shown.pause())


def test_what_happens_on_the_page_does_what_it_does_in_a_window(show):
    shown, page = show()
    before = shown.call(lambda session: session.viewer.orbit_goal)
    page.receive({"type": "watching", "on": True})
    drag = [["press", "left", 0.5, 0.5, False], *[["move", 0.5 + i / 20, 0.5] for i in range(5)]]
    page.receive({"type": "events", "number": 1, "events": [*drag, ["release", "left", 0.7, 0.5]]})
    page.wait_for("heard", lambda said: said["number"] == 1)
    page.receive({"type": "events", "number": 2, "events": [["key", "m", "KeyM", True, False, False]]})
    page.wait_for("heard", lambda said: said["number"] == 2)
    page.receive({"type": "change", "name": "sim.ticks_per_s", "value": 120})
    page.receive({"type": "change", "name": "run.seed", "value": 3})  # no control of a page
    page.receive({"type": "request", "name": "quit"})  # nor this
    state = page.wait_for("state", lambda said: said["ticks_per_s"] == 120)
    assert state["layer"] != "both"
    assert "density" in state["layers"]
    assert shown.call(lambda session: session.viewer.orbit_goal) != before
    assert not shown.closed


def test_the_page_says_how_large_the_picture_is(show):
    shown, page = show()
    page.receive({"type": "size", "width": 200, "height": 100, "ratio": 2})
    page.receive({"type": "watching", "on": True})
    page.wait_for("frame")
    assert shown.picture().shape == (200, 400, 3)
    until(lambda: shown.call(lambda session: session.stage.pixel_scale) == 2)


def test_escape_does_not_end_it(show):
    shown, page = show()
    page.receive({"type": "watching", "on": True})
    escape = ["key", "Escape", "Escape", True, False, False]
    page.receive({"type": "events", "number": 1, "events": [escape] * 3})
    page.wait_for("heard")
    assert shown.state.tick >= 0
    assert not shown.closed


def test_nothing_is_drawn_and_soon_nothing_simulated_while_nobody_watches(show, monkeypatch):
    monkeypatch.setattr(paged_session, "_REST_S", 0.2)
    shown, page = show()
    newest = lambda: shown.call(lambda session: session.engine.newest_tick)  # noqa: E731
    until(lambda: shown.call(lambda session: session.pace.paused))
    drawn, tick = shown.call(lambda session: len(session.log.frame_ends)), newest()
    time.sleep(0.3)
    assert newest() == tick
    assert shown.call(lambda session: len(session.log.frame_ends)) == drawn
    page.receive({"type": "watching", "on": True})
    page.wait_for("frame")
    until(lambda: newest() > tick + 5)


def test_models_that_are_handed_over_act_and_can_be_gone_back_to(show):
    shown, page = show("pendulum")
    models = [linear_model(seed) for seed in range(3)]
    for step, model in enumerate(models):
        shown.update(model, 100 * step)
        until(lambda model=model: shown.state.checkpoint is model)
    page.receive({"type": "watching", "on": True})
    state = page.wait_for("state", lambda said: said["at"] == 2)
    assert state["steps"] == [0, 100, 200]
    page.receive({"type": "change", "name": "policy.steps", "value": 100})
    until(lambda: shown.state.checkpoint is models[1])
    shown.update(linear_model(4))
    page.wait_for("state", lambda said: said["steps"] == [0, 100, 200, 201])
    assert shown.state.checkpoint is models[1], "who looks back goes on looking"
    with pytest.raises(UsageError, match="point_mass"):
        shown.update(valuescape.load("demo"))


def test_a_training_run_that_is_published_is_followed(show):
    with valuescape.publish("of-a-test", world="pendulum", history=None, quiet=True) as run:
        run.update_from(linear_model(0), 10)
        shown, page = show(run)
        page.receive({"type": "watching", "on": True})
        until(lambda: shown.setting("policy.steps") == 10)
        run.update_from(linear_model(1), 20)
        page.wait_for("state", lambda said: said["steps"] == [10, 20] and said["at"] == 1)


def test_closing_frees_everything_and_says_so(show):
    shown, page = show(workers__count=1)
    workers = shown.call(lambda session: session.engine.worker_pids)
    assert all(psutil.pid_exists(each) for each in workers)
    assert len(workers) == 1
    shown.close()
    shown.close()
    assert shown.closed
    assert shown.error is None
    assert not any(psutil.pid_exists(each) for each in workers)
    page.wait_for("ended", lambda said: said["said"] == "")
    for call in (shown.picture, shown.pause, lambda: shown.set("heatmap.layer", "value")):
        with pytest.raises(UsageError, match="closed"):
            call()


def test_an_order_that_takes_too_long_is_refused_and_never_carried_out(show, monkeypatch):
    monkeypatch.setattr(view, "_ORDER_S", 0.05)
    shown, _ = show()
    free = threading.Event()
    waiting = threading.Thread(target=lambda: shown._run.ask(lambda _: free.wait(20)).result(20))
    waiting.start()
    try:
        until(lambda: not shown._run.orders._waiting)
        with pytest.raises(UsageError, match="busy"):
            shown.call(lambda session: session.pace.go_to(10**9))
    finally:
        free.set()
        waiting.join()
    monkeypatch.undo()
    assert shown.state.tick < 10**9
    assert not shown.closed


def test_no_context_is_current_when_its_thread_ends(show, monkeypatch):
    """It would never be freed: 8 MB for each view."""
    current, said = [], running.InlineRun._say_end

    def say_end(run):
        current.append(ctypes.CDLL("libEGL.so.1").eglGetCurrentContext())
        said(run)

    monkeypatch.setattr(running.InlineRun, "_say_end", say_end)
    shown, _ = show()
    shown.picture()
    shown.close()
    assert current == [0]


def test_a_view_that_is_forgotten_ends(show):
    shown, _ = show()
    assert len(threads()) == 1
    del shown
    gc.collect()
    until(lambda: threads() == [])


def test_an_error_in_its_thread_ends_it_and_is_told(show):
    shown, page = show()

    def fail(session):
        session.stage.engine.check = lambda: 1 / 0

    shown.call(fail)
    until(lambda: shown.closed)
    assert isinstance(shown.error, ZeroDivisionError)
    assert page.wait_for("ended")["said"] == "division by zero"
    with pytest.raises(UsageError, match="has ended: division by zero"):
        shown.play()


@pytest.mark.parametrize(
    ("what", "settings", "said"),
    [
        (("nowhere.zip",), {}, "nowhere.zip"),
        (("demo",), {"layer": "nothing"}, "unknown"),
        (("demo",), {"count": 3}, "agents__count or workers__count"),
        (("demo",), {"layr": "value"}, "did you mean layer"),
        (("demo",), {"width": 3}, "width = 3"),
        (("demo",), {"render__device": 99}, "99"),
    ],
)
def test_a_view_that_cannot_be_is_a_usage_error_at_once(show, what, settings, said):
    with pytest.raises(UsageError, match=said):
        show(*what, **settings)
    assert threads() == []


def test_a_map_is_its_own_picture():
    shown = valuescape.value_map("demo", cells=8)
    assert valuescape.show(shown) is shown


class Shell:
    """IPython's shell, as far as a kernel uses it."""

    def __init__(self):
        self.hooks = {}
        self.events = SimpleNamespace(register=self.hooks.__setitem__)

    def begin(self, cell):
        self.hooks["pre_run_cell"](SimpleNamespace(cell_id=cell))

    def end(self):
        self.hooks["post_run_cell"](None)


class Opened:
    closed = False

    def close(self):
        self.closed = True


def test_a_cell_that_is_run_again_closes_what_it_opened():
    shell = Shell()
    kernel = Kernel(shell)
    one, other, nameless = Opened(), Opened(), Opened()
    for cell, each in (("a", one), ("b", other), (None, nameless)):
        shell.begin(cell)
        kernel.opened(each)
        assert not kernel.answering
        shell.end()
        assert kernel.answering
    shell.begin("a")
    shell.begin(None)
    assert [each.closed for each in (one, other, nameless)] == [True, False, False]
    kernel.close_all()
    assert other.closed
    assert nameless.closed


def test_the_extra_is_asked_for(monkeypatch):
    from valuescape.notebook import widget

    widget._widget_class.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, "anywidget", None)
    with pytest.raises(UsageError, match=r"pip install 'valuescape\[notebook\]'"):
        widget.Page((320, 180))


def test_settings_have_short_names():
    from valuescape.notebook.setting_names import setting_name

    assert setting_name("layer") == "heatmap.layer"
    assert setting_name("agents__count") == "agents.count"
    assert setting_name("agents.count") == "agents.count"
    assert setting_name("world__parameters__gravity") == "world.parameters.gravity"
