"""Runs and reports in a browser, as commands show them."""

import contextlib
import time
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from valuescape.browser.address import open_server, opened, told_of
from valuescape.browser.browsing import Browsing
from valuescape.browser.server import Server
from valuescape.browser.session import BrowserSession, BrowserVersus
from valuescape.browser.site import page_site, report_site
from valuescape.cli.terminal import err
from valuescape.render.displays.streaming.audience import Audience
from valuescape.sim.interrupts import Interrupts

if TYPE_CHECKING:
    from valuescape.cli.showing import RunOptions, Shown
    from valuescape.run.outputs import Outputs, RunResult

_LOOK_S = 0.2


def run_in_browser(
    shown: "Shown", options: "RunOptions", outputs: "Outputs", interrupts: Interrupts
) -> "RunResult":
    """Show a run in browsers until its length is reached or Ctrl-C; return its results. Raises UsageError."""
    assert options.browsing
    render = shown.config.render
    audience = Audience((render.width, render.height), version("valuescape"))
    with (
        audience,
        open_server(page_site(), audience, options.browsing) as server,
        _told(server, options.browsing),
        _ending(audience),
        _session(shown, options, outputs, audience, interrupts) as session,
        shown.following(session),
    ):
        session.reloading.begin(shown.file, watch=options.watch)
        interrupts.check()
        return session.run()


def serve_report(report: Path, files: Iterable[Path], browsing: Browsing) -> None:
    """Serve a report with the files beside it until Ctrl-C. Raises UsageError."""
    site = report_site(report, files)
    with Interrupts() as interrupts, open_server(site, None, browsing) as server, _told(server, browsing):
        err.say("Ctrl-C ends it")
        while not interrupts.asked:
            time.sleep(_LOOK_S)


@contextlib.contextmanager
def _told(server: Server, browsing: Browsing) -> Iterator[None]:
    """Print where the page is, and open it if that is asked for."""
    for line in told_of(server):
        err.say(line)
    with opened(server) if browsing.opens else contextlib.nullcontext(True) as found:
        if not found:
            err.say("--open: there is no browser here")
        yield


@contextlib.contextmanager
def _ending(audience: Audience) -> Iterator[None]:
    """Tell pages that the run has ended, and how."""
    said = ""
    try:
        yield
    except Exception as error:
        said = str(error)
        raise
    finally:
        audience.tell({"type": "ended", "said": said})


def _session(
    shown: "Shown", options: "RunOptions", outputs: "Outputs", audience: Audience, interrupts: Interrupts
) -> BrowserSession:
    how: dict[str, Any] = {"audience": audience, "interrupts": interrupts}
    if shown.other:
        return BrowserVersus(shown.config, shown.other, options.length, outputs, **how)
    return BrowserSession(shown.config, options.length, outputs, **how)
