"""Runs and reports in a browser, as commands show them."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from valuescape.browser.address import open_server, opened, told_of
from valuescape.browser.browsing import Browsing
from valuescape.browser.server import Server
from valuescape.browser.session import BrowserSession, BrowserVersus
from valuescape.browser.site import page_site, report_site
from valuescape.cli.terminal import err
from valuescape.render.displays.streaming.audience import Audience
from valuescape.run.length import RunLength
from valuescape.run.outputs import Outputs
from valuescape.sim.interrupts import Interrupts

if TYPE_CHECKING:
    from valuescape.sim.config.files import Config

_LOOK_S = 0.2


@contextlib.contextmanager
def browser_session(
    configs: "Sequence[Config]",
    length: RunLength,
    outputs: Outputs,
    browsing: Browsing,
    interrupts: Interrupts,
) -> Iterator[BrowserSession]:
    """Start a run that browsers show, print where, and end all with it. configs: of one run, or of A and B.

    Raises UsageError.
    """
    render = configs[0].render
    kind = BrowserSession if len(configs) == 1 else BrowserVersus
    with (
        Audience((render.width, render.height)) as audience,
        open_server(page_site(), audience, browsing) as server,
        _told(server, browsing),
        _ending(audience),
        kind(*configs, length, outputs, audience=audience, interrupts=interrupts) as session,
    ):
        yield session


def serve_report(files: Sequence[Path], browsing: Browsing) -> None:
    """Serve a report, the first of the files, with the others until Ctrl-C. Raises UsageError."""
    site = report_site(files[0], files[1:])
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
