"""Fixtures of this folder."""

import os
import select
import shutil
import subprocess

import pytest
from gl_context import gl, shared_context

__all__ = ["gl", "screen", "shared_context"]


@pytest.fixture(scope="module")
def screen(tmp_path_factory):
    """Start an X server without a screen, as DISPLAY; yields the file that holds its pixels (xwd).

    None where there is no such server.
    """
    if shutil.which("Xvfb") is None:
        yield None
        return
    folder = tmp_path_factory.mktemp("screen")
    ready, told = os.pipe()
    # Without -noreset it starts anew when the last window closes, and refuses the next one meanwhile.
    command = [
        "Xvfb",
        "-displayfd",
        str(told),
        "-fbdir",
        folder,
        "-screen",
        "0",
        "900x700x24",
        "-noreset",
        "-nolisten",
        "tcp",
    ]
    with subprocess.Popen(
        command, pass_fds=[told], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            os.close(told)
            assert select.select([ready], [], [], 20)[0], "Xvfb does not start"
            with pytest.MonkeyPatch.context() as environment:
                environment.setenv("DISPLAY", f":{os.read(ready, 16).decode().strip()}")
                environment.delenv("WAYLAND_DISPLAY", raising=False)
                yield folder / "Xvfb_screen0"
        finally:
            os.close(ready)
            server.terminate()
