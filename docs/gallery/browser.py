"""Makes a picture of a run in a browser, by Chromium without a window.

`python docs/gallery/browser.py FILE.png` writes it, and needs Chromium (Debian's package `chromium`).
"""

import re
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tests" / "helpers"))

from chromium import WHY_NOT, Chromium  # noqa: E402 - the tests' hands on a browser

SIZE = 1280, 800
_SETTLED_S = 12
"""Until the picture is taken: trails are long, and maps complete."""

ARGUMENTS = (
    *("run", "demo", "--browser", "--port", "0"),
    *("--set", "agents.count=240", "--set", "render.yaw_deg=-60", "--set", "render.pitch_deg=36"),
    *(
        "--set",
        "render.distance=3.8",
        "--set",
        "render.turn_deg_per_s=0",
        "--set",
        "render.select=31",
        "--set",
        "run.record=false",
    ),
)
"""Of `valuescape`."""


def main() -> None:
    """Start a run, have a browser show its page, and write what it shows into the file that is named."""
    if WHY_NOT:
        sys.exit(WHY_NOT)
    program = [sys.executable, "-m", "valuescape", *ARGUMENTS]
    run = subprocess.Popen(program, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        _take(_address(run), Path(sys.argv[1]))
    finally:
        run.terminate()
        run.communicate()


def _address(run: "subprocess.Popen[str]") -> str:
    """Return the address that a run prints, with its token."""
    assert run.stderr
    for line in run.stderr:
        if found := re.search(r"http://\S+", line):
            return found[0]
    sys.exit("the run prints no address")


def _take(address: str, file: Path) -> None:
    """Write what a browser shows at an address, once the run has begun."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as profile, Chromium(Path(profile)) as browser:
        page = browser.open(address, *SIZE, dark=True)
        page.wait("valuescape.panel.layout.length", 300)
        time.sleep(_SETTLED_S)
        page.value("valuescape.touches.give('request pause', true)")
        page.wait("document.querySelector('#picture').dataset.lossless === 'true'")
        page.screenshot(file)


if __name__ == "__main__":
    main()
