"""The options of commands that show something in a browser."""

from typing import Annotated

import typer

from valuescape.browser.browsing import Browsing
from valuescape.sim.errors import UsageError


def browsing_of(
    browser: Annotated[
        bool,
        typer.Option(
            "--browser", help="Show it in a browser: prints an address with a token, and a line for a tunnel."
        ),
    ] = False,
    port: Annotated[
        int | None,
        typer.Option(
            min=0, max=65535, help="Port for --browser; 0: any that is free. If not given: 8765, or any."
        ),
    ] = None,
    host: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Address of this machine, for --allow-remote.")
    ] = None,
    allow_remote: Annotated[
        bool, typer.Option("--allow-remote", help="Let other machines in, unencrypted; needs --host.")
    ] = False,
    open_browser: Annotated[
        bool, typer.Option("--open", help="Open a browser on this machine, for --browser.")
    ] = False,
) -> Browsing | None:
    """Return how a server is to be reached; None without --browser. Raises UsageError if options clash."""
    if browser:
        return Browsing(port, host or "", allow_remote, open_browser)
    given = {
        "--port": port is not None,
        "--host": bool(host),
        "--allow-remote": allow_remote,
        "--open": open_browser,
    }
    for option, is_given in given.items():
        if is_given:
            raise UsageError(f"{option} is about --browser, which is not given")
    return None
