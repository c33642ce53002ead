"""Makes the pictures of the gallery, each by the command that README.md shows below it.

Run it by `make gallery`; with names as arguments it makes those pictures only. Lists of them are in
`gallery_pictures.py` and `gallery_maps.py`.
"""

import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import sessions
from gallery_maps import MAPS, ROOT, Maps
from gallery_pictures import PICTURES

HERE = Path(__file__).parent

WINDOW = "panel"
"""The picture of the whole window, which `window.py` makes."""

WINDOW_TEXT = (
    "The window after gravity was spread further over the agents, the pendulums were made heavier and "
    "exploration was added: bars and ↺ mark settings that differ from the run's start. Trails show each "
    "agent's gravity."
)


BROWSER = "browser"
"""The picture of a run in a browser, which `browser.py` makes where Chromium is installed."""

BROWSER_TEXT = (
    "A run in a browser: settings and cards are the page's, the picture is the window's. The selected "
    "agent is marked on the height field."
)


LIVE = "live"
"""The video of training runs that are watched, and its first part's last picture."""


def page() -> str:
    """Return the gallery's page."""
    lines = [
        "# Gallery",
        "",
        "Each picture is made by the command below it; `make gallery` makes all of them.",
        "The presets are in `configs/`, the checkpoints of this project in `configs/checkpoints/`. Those of",
        "RL Baselines3 Zoo (DLR-RM/rl-trained-agents, MIT) are not in this repository; `make gallery` with",
        "`ZOO=FOLDER` finds them as `ALGO-ENV.zip`. Their maps: [insight.md](../insight.md#five-critics).",
    ]
    lines += ["", f"![{WINDOW}]({WINDOW}.png)", "", WINDOW_TEXT, ""]
    lines += ["```", f"python docs/gallery/window.py {WINDOW}.png", "```"]
    lines += ["", f"![{BROWSER}]({BROWSER}.png)", "", BROWSER_TEXT, ""]
    lines += ["```", f"python docs/gallery/browser.py {BROWSER}.png", "```"]
    lines += ["", f"![{LIVE}]({LIVE}.png)", "", sessions.TEXT, "", "```"]
    for number, watched in enumerate(sessions.WATCHED, 1):
        lines += watched.commands(f"{LIVE}-{number}.mp4")
    lines += ["```"]
    for maps in MAPS:
        arguments = maps.arguments(Path(maps.checkpoint), Path(maps.name))
        command = shlex.join(["valuescape", *arguments])
        lines += ["", f"![{maps.name}]({maps.name}.png)", "", maps.text, "", "```", command, "```"]
    for picture in PICTURES:
        command = shlex.join(["valuescape", *picture.arguments(Path())])
        wrapped = command
        for option in ("--plugin", "--set", "--versus-set", "--screenshot"):
            wrapped = wrapped.replace(f" {option} ", f" \\\n  {option} ")
        lines += ["", f"![{picture.name}]({picture.name}.png)", "", picture.text, "", "```", wrapped, "```"]
    return "\n".join(lines) + "\n"


def make_maps(maps: Maps) -> None:
    """Write the picture; say so if the checkpoint is missing."""
    if maps.file is None:
        sys.stderr.write(f"{maps.name}: {maps.checkpoint} is not here; ZOO=FOLDER says where\n")
        return
    with TemporaryDirectory() as folder:
        _valuescape(maps.arguments(maps.file, Path(folder)))
        shutil.copy(Path(folder) / "maps.png", HERE / f"{maps.name}.png")


def _valuescape(arguments: list[str]) -> None:
    subprocess.run([sys.executable, "-m", "valuescape", *arguments], check=True, cwd=ROOT)


def main() -> None:
    """Make the pictures named as arguments, or all; write the page."""
    wanted = sys.argv[1:] or [WINDOW, BROWSER, LIVE, *(each.name for each in (*MAPS, *PICTURES))]
    for name, program in ((WINDOW, "window.py"), (BROWSER, "browser.py")):
        if name in wanted:
            subprocess.run([sys.executable, str(HERE / program), str(HERE / f"{name}.png")], check=True)
    if LIVE in wanted:
        sessions.make(LIVE, HERE)
    for maps in MAPS:
        if maps.name in wanted:
            make_maps(maps)
    for picture in PICTURES:
        if picture.name in wanted:
            _valuescape(picture.arguments(HERE))
    (HERE / "README.md").write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
