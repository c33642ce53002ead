"""A run in a browser, on this machine: frames a second, time from an input to its picture, encoders, viewers.

`python tests/bench/browser.py`, or `make bench-browser`. The program runs as a command does; pages in this
process answer every frame at once, so that the figures are those of drawing, encoding and sending. What a
browser takes to decode and paint comes on top.
"""

import argparse
import contextlib
import io
import os
import platform
import re
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))
from pages import Page, cookie_at, touched

SIZE = 1280, 720


class Program:
    """`valuescape run … --browser`, as a process. args: more of its command line."""

    def __init__(self, *args: str) -> None:
        command = [sys.executable, "-m", "valuescape", "run", "demo", "--browser", "--port", "0"]
        self.process = subprocess.Popen(
            [*command, *args], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stderr
        line = self.process.stderr.readline()
        found = re.search(r"http://\S+", line)
        assert found, line + self.process.stderr.read()
        self.host, self.cookie = cookie_at(found[0])

    def page(self, **how: Any) -> Page:
        """Return a page that is connected."""
        return Page(self.host, self.cookie, **{"size": SIZE, **how})

    def cpu_s(self) -> float:
        """Return the processor time of the program and its workers so far."""
        main = psutil.Process(self.process.pid)
        times = [each.cpu_times() for each in (main, *main.children(recursive=True))]
        return sum(each.user + each.system for each in times)

    def end(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)


@contextlib.contextmanager
def running(*args: str) -> Iterator[Program]:
    program = Program(*args)
    try:
        yield program
    finally:
        program.end()


def main() -> None:
    known = argparse.ArgumentParser(description=__doc__)
    known.add_argument("--seconds", type=float, default=5.0, help="for each rate of frames")
    known.add_argument("--inputs", type=int, default=150)
    known.add_argument("--only", default="", help="rate, latency, viewers, encoders or panel")
    args = known.parse_args()
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[0]
    print(f"{platform.processor() or platform.machine()}, {cores} cores, load {load:.1f}, {SIZE}")
    parts: dict[str, Callable[[argparse.Namespace], None]] = {
        "rate": show_rate,
        "latency": show_latency,
        "viewers": show_viewers,
        "encoders": show_encoders,
        "panel": show_panel,
    }
    for name, show in parts.items():
        if args.only in ("", name):
            show(args)


def ready(page: Page) -> None:
    """Wait until the run goes on and pictures come."""
    page.wait_for("state", seconds=120)
    time.sleep(2)


def show_rate(args: argparse.Namespace) -> None:
    with running() as program, program.page() as page:
        ready(page)
        print(f"one viewer: {rate(page, args.seconds)}")
    with running("--set", "render.max_fps=30") as program, program.page() as page:
        ready(page)
        print(f"one viewer, at most 30 frames/s: {rate(page, args.seconds)}")


def rate(page: Page, seconds: float) -> str:
    """Return frames a second, and bytes of a frame."""
    began = time.perf_counter()
    time.sleep(seconds)
    came = [len(more) for at, said, more in page.got if said["type"] == "frame" and at >= began]
    if not came:
        return "no frames"
    return f"{len(came) / seconds:.1f} frames/s of {statistics.mean(came) / 1000:.0f} kB"


def show_latency(args: argparse.Namespace) -> None:
    for settings in (), ("--set", "render.max_fps=30"):
        with running(*settings) as program, program.page() as page:
            ready(page)
            print(
                f"an input to its picture{' at 30 frames/s' * bool(settings)}: {latency(page, args.inputs)}"
            )


def latency(page: Page, inputs: int) -> str:
    """Return the time from an event to the arrival of a picture that shows it, ms: the view is turned."""
    took = []
    press = [["move", 0.5, 0.5], ["press", "left", 0.5, 0.5, False]]
    page.send({"type": "events", "number": 1, "events": press})
    chance = np.random.default_rng(0)
    for number in range(2, inputs + 2):
        time.sleep(chance.uniform(0.05, 0.12))  # at all moments of a frame
        began = time.perf_counter()
        move = ["move", 0.5 + 0.3 * float(np.sin(number / 5)), 0.5]
        page.send({"type": "events", "number": number, "events": [move]})
        page.wait_for("frame", lambda said, number=number: said["heard"] >= number)
        shown = next(at for at, said, _ in page.got if said.get("heard", 0) >= number)
        took.append((shown - began) * 1000)
        page.got.clear()
    took.sort()
    share = sum(each <= 50 for each in took) / len(took)
    middle, most = statistics.median(took), took[int(0.95 * len(took))]
    return f"median {middle:.0f} ms, 95 % within {most:.0f} ms; {share:.0%} within 50 ms"


def show_viewers(args: argparse.Namespace) -> None:
    """Ten viewers, and some that do not read."""
    for many, deaf in ((1, 0), (10, 0), (1, 5)):
        with running() as program, contextlib.ExitStack() as stack:
            pages = [stack.enter_context(program.page()) for _ in range(many)]
            ready(pages[0])
            for _ in range(deaf):
                stack.enter_context(program.page(answers=False))
            before = program.cpu_s()
            print(f"{many} viewers, {deaf} that do not answer: {rate(pages[0], args.seconds)}", end="")
            print(f", the last one {rate(pages[-1], 2)}", end="")
            print(f", {(program.cpu_s() - before) / (args.seconds + 2):.2f} cores")


def show_panel(_: argparse.Namespace) -> None:
    """What the panel costs the thread that draws, five times a second while a page watches."""
    from panel_hands import a_standing

    from valuescape.render.panel.page_panel import PagePanel
    from valuescape.render.view.looks import Looks
    from valuescape.render.view.viewer import Viewer

    panel, viewer, took = PagePanel(), Viewer(flat=True, layer="value", trail_color="age"), []
    for number in range(60):
        standing = a_standing(busy_ms=(float(number),))
        viewer.looks = Looks.of(standing.config)
        began = time.thread_time()
        panel.tell(viewer, standing)
        took.append((time.thread_time() - began) * 1000)
    rows, middle = len(panel.whole()["rows"]), statistics.median(took)
    print(f"what changed in a panel of {rows} rows: {middle:.1f} ms of a core")


def show_encoders(args: argparse.Namespace) -> None:
    with running("--set", "render.turn_deg_per_s=0") as program, program.page() as page:
        ready(page)
        page.send(touched("request pause", True))
        time.sleep(2)
        _, content = page.wait_for("frame", lambda said: said["lossless"])
    picture = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
    print(f"encoders, {SIZE[0]} x {SIZE[1]}:")
    for name, encode in encoders(picture).items():
        print(f"  {name:28} {cost(encode)}")


def encoders(picture: Any) -> dict[str, Callable[[], bytes]]:
    """Return what encodes a picture, by name."""
    from notebook import mjpeg, saved

    from valuescape.render.displays.streaming.pictures import as_jpeg, as_png
    from valuescape.render.displays.streaming.video import CODECS, VideoEncoder

    found: dict[str, Callable[[], bytes]] = {
        f"Pillow, JPEG, level {level}": (lambda level=level: as_jpeg(picture, level).content)  # type: ignore[misc]
        for level in range(3)
    }
    found["PyAV, MJPEG"] = lambda: mjpeg(picture)
    found["Pillow, PNG, level 1"] = lambda: as_png(picture, 1).content
    found["Pillow, PNG, level 6"] = lambda: as_png(picture, 6).content
    found["Pillow, WebP, lossless, 0"] = lambda: saved(picture, "WEBP", lossless=True, quality=0, method=0)
    found["Pillow, WebP, lossless, 50"] = lambda: saved(picture, "WEBP", lossless=True, quality=50, method=1)
    for codec in CODECS:
        encoder = VideoEncoder(codec, SIZE, 1)
        shifted = [np.roll(picture, 4 * step, axis=1) for step in range(20)]
        turn = iter(range(10**9))
        found[f"PyAV, {codec}, moving"] = lambda encoder=encoder, shifted=shifted, turn=turn: (
            encoder.encode(  # type: ignore[misc]
                shifted[next(turn) % 20], key=False
            ).content
        )
    return found


def cost(encode: Callable[[], bytes], least_s: float = 1.0) -> str:
    """Return the time that encoding takes, and the size."""
    took, sizes = [], []
    end = time.perf_counter() + least_s
    while time.perf_counter() < end:
        began = time.perf_counter()
        sizes.append(len(encode()))
        took.append(time.perf_counter() - began)
    return f"{statistics.median(took) * 1000:6.1f} ms {statistics.mean(sizes) / 1000:6.0f} kB"


if __name__ == "__main__":
    main()
