"""`View`: a run on a page, as the code of a notebook sees it."""

import weakref
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

from valuescape.library.loading import ModelSource, load
from valuescape.notebook.inline_session import InlineSession
from valuescape.notebook.kernel import this_kernel
from valuescape.notebook.running import InlineRun, Wanted
from valuescape.notebook.widget import Page
from valuescape.render.displays.streaming.audience import Audience
from valuescape.render.displays.streaming.pictures import Pixels, as_jpeg, as_png
from valuescape.render.view.changes import Request
from valuescape.run_state import RunState
from valuescape.sim.errors import UsageError

_Answer = TypeVar("_Answer")

_ORDER_S = 60.0
"""Seconds that an order may take; a change that begins the run anew may compile."""

_STILL_LEVEL, _STILL_JPEG = 6, 1


class View:
    """A live view on a page of a notebook: its value at the end of a cell shows it.

    The run goes on in a thread while cells are run, until `close`, until the cell that opened it is run
    again, until nothing refers to the view any more, or until the kernel ends. A cell that is interrupted
    does not interrupt it. Methods may be called in any thread; they raise UsageError once it has ended.
    """

    def __init__(self, wanted: Wanted) -> None:
        """Start the run, and return when its engine runs. Raises what makes that impossible."""
        render = wanted.config.render
        size = render.width, render.height
        kernel = this_kernel()
        self._page = Page(size)
        audience = Audience(size)
        viewer = audience.join(self._page.send, lambda: kernel.answering)
        self._page.listen(partial(audience.receive, viewer))
        self._within_s = wanted.within_s
        self._run = InlineRun(wanted, audience)
        try:
            self._run.wait_started()
        except BaseException:
            self._run.close()
            self._page.widget.close()
            raise
        weakref.finalize(self, self._run.end).atexit = False  # at exit the kernel closes it, and waits
        kernel.opened(self)

    # --- What it shows ---

    def set(self, name: str, value: Any) -> None:
        """Change a setting (`section.key`), as the panel of a window does: a live one at once.

        Any other begins the run anew. Returns when it is done, except that a change of the engine takes
        effect at the next tick. Raises UsageError if it cannot be, and the run goes on as it was.
        """

        def change(session: InlineSession) -> str:
            return session.change(name, value)

        if why_not := self._ask(change):
            raise UsageError(why_not)

    def pause(self) -> None:
        """Pause the simulation; nothing if it is paused."""
        self._ask(lambda session: session.pause(True))

    def play(self) -> None:
        """Let the simulation go on; nothing if it does."""
        self._ask(lambda session: session.pause(False))

    def step(self) -> None:
        """Make one tick, and pause first."""

        def step(session: InlineSession) -> None:
            session.pause(True)
            session.controls.apply(Request.STEP)

        self._ask(step)

    def update(self, model: ModelSource, step: int | None = None) -> None:
        """Have the agents act with another model of the same world, and show its critic, as training goes on.

        model: whatever `load` takes: a model of Stable-Baselines3, a file, a `Checkpoint`. step: of training;
        one more than the last if None. Models so far can be gone back to, by the scrub bar or `policy.steps`.
        Returns before it acts: that happens between two ticks, and the newest counts. Raises UsageError for
        a model of another world.
        """
        world = self._ask(lambda session: session.engine.world.name)
        checkpoint = load(model, world).checkpoint
        self._ask(lambda session: session.following.take(checkpoint, step))

    def callback(self, every: int | None = None) -> Any:
        """Return a callback for `learn` of Stable-Baselines3, which updates the view while a model learns.

        every: steps between updates; None for one after each rollout. Raises UsageError without
        Stable-Baselines3, which is an optional extra.
        """
        from valuescape.notebook.callback import ViewCallback

        return ViewCallback(self, every)

    def picture(self, within: float | None = None) -> Pixels:
        """Return the picture as it is now, [height, width, 3] uint8, RGB, top row first: a new array.

        within: seconds to wait for maps that are being computed; those of `show` if None.
        """
        within_s = self._within_s if within is None else within
        return self._ask(lambda session: session.picture(within_s), within_s)

    def screenshot(self, path: Path | str) -> Path:
        """Write the picture as a PNG that `valuescape replay` makes again; return its path."""
        return self._ask(lambda session: session.screenshot(Path(path)))

    @property
    def state(self) -> RunState:
        """The run at this moment: tick, settings, figures; a value that does not change."""
        return self._ask(lambda session: session.state())

    def setting(self, name: str) -> Any:
        """Return the value of a setting (`section.key`) as it is now."""
        return self._ask(lambda session: session.setting(name))

    def call(self, function: Callable[[InlineSession], _Answer]) -> _Answer:
        """Return what `function` makes of the session; it is called between two frames, in the run's thread.

        Outside of such a call nothing of the session may be touched.
        """
        return self._ask(function)

    @property
    def widget(self) -> Any:
        """The widget (`anywidget.AnyWidget`), to be put into layouts of ipywidgets, as `HBox`."""
        return self._page.widget

    # --- Its end ---

    @property
    def closed(self) -> bool:
        """Whether it has ended. Its last picture stays on the page."""
        return self._run.over

    @property
    def error(self) -> BaseException | None:
        """What ended it, if it was not closed."""
        return self._run.error

    def close(self) -> None:
        """End the run and free everything that it took; a second call does nothing."""
        self._run.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<valuescape.View {'closed' if self.closed else 'running'}>"

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """Return what pages show: the widget, and a picture where there are no widgets."""
        pixels = self._run.first.result() if not self.closed else None
        bundle = self._page.widget._repr_mimebundle_(**options)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        data = {**(data or {}), "text/plain": repr(self)}
        if pixels is not None:
            self._page.keep(as_jpeg(pixels, _STILL_JPEG).content)
            data["image/png"] = as_png(pixels, _STILL_LEVEL).content
        return data, metadata

    def _ask(self, order: Callable[[InlineSession], _Answer], more_s: float = 0.0) -> _Answer:
        answer = self._run.ask(order)
        try:
            return answer.result(_ORDER_S + more_s)
        except TimeoutError:
            if not answer.cancel():  # what was asked raised it, or goes on
                raise
            raise UsageError(
                f"the view has been busy for {_ORDER_S + more_s:.0f} s", "ask it again, or close it"
            ) from None
