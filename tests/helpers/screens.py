"""A screen to open windows on where there is none."""

import os
import select
import shutil
import subprocess
from contextlib import contextmanager


@contextmanager
def virtual_screen(size, *options):
    """Start an X server without a screen; gives the name of its display, None where there is no such server.

    Without -noreset it starts anew when the last window closes, and refuses the next one meanwhile.
    """
    if shutil.which("Xvfb") is None:
        yield None
        return
    ready, told = os.pipe()
    width, height = size
    command = ["Xvfb", "-displayfd", str(told), *options, "-screen", "0", f"{width}x{height}x24"]
    command += ["-noreset", "-nolisten", "tcp"]
    with subprocess.Popen(
        command, pass_fds=[told], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            os.close(told)
            assert select.select([ready], [], [], 20)[0], "Xvfb does not start"
            yield f":{os.read(ready, 16).decode().strip()}"
        finally:
            os.close(ready)
            server.terminate()
