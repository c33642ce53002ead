"""Fixtures of this folder."""

import pytest
from gl_context import gl, shared_context
from screens import virtual_screen

__all__ = ["gl", "screen", "shared_context"]


@pytest.fixture(scope="module")
def screen(tmp_path_factory):
    """Start an X server without a screen, as DISPLAY; yields the file that holds its pixels (xwd).

    None where there is no such server.
    """
    folder = tmp_path_factory.mktemp("screen")
    with virtual_screen((900, 700), "-fbdir", folder) as display:
        if display is None:
            yield None
            return
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("DISPLAY", display)
            environment.delenv("WAYLAND_DISPLAY", raising=False)
            yield folder / "Xvfb_screen0"
