"""A run in a thread of its own, with its own OpenGL context."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from valuescape.attached.opening import Opened
from valuescape.gpu.context import current_kept
from valuescape.notebook.following import known
from valuescape.notebook.inline_session import InlineSession
from valuescape.notebook.orders import Orders
from valuescape.render.displays.streaming.audience import Audience
from valuescape.render.displays.streaming.pictures import Pixels
from valuescape.sim.config.files import Config
from valuescape.sim.errors import UsageError
from valuescape.sim.interrupts import Interrupts

_Answer = TypeVar("_Answer")

_JOIN_S = 10.0
"""Seconds that `close` waits for workers and OpenGL to be freed."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a run on a page is to be.

    folder: of screenshots. within_s: that its first picture waits for maps. keeps: what the configuration
    names in memory, kept for as long as the run is. training: a training run to follow.
    """

    config: Config
    folder: Path
    panel: bool
    within_s: float
    keeps: object = None
    training: Opened | None = None


class InlineRun:
    """Starts a run in a thread, and ends it with `close`, or with the process.

    audience: of the page; ended with the run. Nothing here refers to a view, so that one that is forgotten
    can end it. The thread is a daemon: the interpreter does not wait for it, and `close` does.
    """

    def __init__(self, wanted: Wanted, audience: Audience) -> None:
        self.audience = audience
        self.orders: Orders[InlineSession] = Orders(audience.wake)
        self.session: InlineSession | None = None
        """The session, once it is started, until it has ended."""
        self.error: BaseException | None = None
        """What ended the run; None while it goes on, and if it was closed."""
        self.first: Future[Pixels] = Future()
        """The first picture, with maps as complete as they became in `within_s`."""
        self._wanted = wanted
        self._interrupts = Interrupts()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="valuescape-view", daemon=True)
        self._thread.start()

    @property
    def over(self) -> bool:
        """Whether the run has ended, or has been told to."""
        return self._interrupts.asked or not self._thread.is_alive()

    def wait_started(self) -> None:
        """Wait until the engine runs. Raises what made the start fail; Ctrl-C ends the waiting alone."""
        self._started.wait()
        if self.error:
            raise self.error

    def ask(self, order: Callable[[InlineSession], _Answer]) -> "Future[_Answer]":
        """Have a function called with the session between two frames, in its thread.

        Raises UsageError in that thread, which cannot wait for itself.
        """
        if self._thread is threading.current_thread():
            raise UsageError("the view is asked inside of view.call", "ask the session that it is given")
        return self.orders.give(order)

    def end(self) -> None:
        """Tell the run to end; returns at once. Safe in every thread, and in finalizers."""
        self._interrupts.asked = True
        self.audience.wake()

    def close(self) -> None:
        """End the run, and wait until everything that it started is gone: 10 s at most."""
        self.end()
        if self._thread is not threading.current_thread():
            self._thread.join(_JOIN_S)

    def _run(self) -> None:
        try:
            # A context that is current when its thread ends would never be freed.
            with current_kept(), known(self._wanted.training), self._open() as session:
                self.session = session
                self._started.set()
                session.warm_up()
                picture = session.picture(self._wanted.within_s, lambda: not self._interrupts.asked)
                self.first.set_result(picture)
                session.turn_frames()
        except KeyboardInterrupt:  # a start that was cancelled, by `end`
            self.error = _closed()
        except BaseException as error:  # whatever it is, those that wait are told
            self.error = error
        finally:
            self.session = None
            self._say_end()

    def _open(self) -> InlineSession:
        wanted = self._wanted
        session = InlineSession(
            wanted.config, self.audience, self.orders, wanted.folder, self._interrupts, panel=wanted.panel
        )
        if wanted.training:
            session.following.follow(wanted.training)
        return session

    def _say_end(self) -> None:
        """Let go of all that waits for the run, and tell the page."""
        self._interrupts.asked = True
        ended = self.error
        self.orders.end(lambda: UsageError(f"the view has ended: {ended}") if ended else _closed())
        if not self.first.done():
            self.first.set_exception(ended or _closed())
        self._started.set()
        self.audience.tell({"type": "ended", "said": str(ended) if ended else ""})
        self.audience.end()


def _closed() -> UsageError:
    return UsageError("the view is closed", "valuescape.show(…) opens another one")
