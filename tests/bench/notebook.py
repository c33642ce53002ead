"""The display of notebooks without a network: frames a second, time from an event to its frame, encoders.

`python tests/bench/notebook.py`. A page in the same process answers every frame at once, so that the figures
are those of drawing, reading and encoding. Sizes in kB are what a frame takes on a link.
"""

import argparse
import io
import platform
import statistics
import threading
import time
from collections.abc import Callable
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
from PIL import Image

import valuescape
from valuescape.notebook import view
from valuescape.render.displays.streaming.pictures import Pixels, as_jpeg, as_png, as_webp

SIZE = 960, 540


class Page:
    """A page in this process, which answers at once and notes when frames come."""

    def __init__(self, _size: tuple[int, int]) -> None:
        self.frames: list[tuple[float, int]] = []  # (when, bytes)
        self.heard: dict[int, float] = {}
        self.news = threading.Event()
        self.widget = SimpleNamespace(close=lambda: None)

    def listen(self, receive: Callable[[object], None]) -> None:
        self.receive = receive

    def send(self, content: Any, picture: bytes | None = None) -> None:
        if content["type"] == "heard":
            self.heard[content["number"]] = time.perf_counter()
        if picture is not None:
            self.frames.append((time.perf_counter(), len(picture)))
            self.receive({"type": "shown", "frame": content["number"]})
            self.news.set()


def main() -> None:
    known = argparse.ArgumentParser(description=__doc__)
    known.add_argument("--seconds", type=float, default=5.0, help="for each rate of frames")
    known.add_argument("--events", type=int, default=60)
    args = known.parse_args()
    pages: list[Page] = []
    view.Page = lambda size: pages.append(Page(size)) or pages[-1]  # type: ignore[misc, assignment, func-returns-value]
    for fps in (30, 0):
        settings = {"render.max_fps": fps}
        with valuescape.show("demo", settings, width=SIZE[0], height=SIZE[1]) as shown:
            if fps == 30:
                print(f"{shown.state.driver.renderer}, {platform.processor() or platform.machine()}")
            page = pages[-1]
            page.receive({"type": "watching", "on": True})
            time.sleep(2)
            print(f"at most {fps or 'any'} frames a second: {rate(page, args.seconds)}")
            print(f"  an event to the end of its frame: {latency(page, args.events)}")
            picture = shown.picture()
    print("encoders, 960 x 540:")
    for name, encode in encoders(picture).items():
        print(f"  {name:24} {cost(encode)}")


def rate(page: Page, seconds: float) -> str:
    """Return frames a second and bytes of a frame."""
    first = len(page.frames)
    time.sleep(seconds)
    came = page.frames[first:]
    kilobytes = statistics.mean(size for _, size in came) / 1000
    return f"{len(came) / seconds:.1f} frames/s of {kilobytes:.0f} kB"


def latency(page: Page, events: int) -> str:
    """Return the time from an event's arrival to the frame that was drawn after it was taken, ms."""
    took = []
    press = [["move", 0.5, 0.5], ["press", "left", 0.5, 0.5, False]]
    page.receive({"type": "events", "number": 1, "events": press})
    for number in range(2, events + 2):
        time.sleep(0.05 + 0.0137 * (number % 5))  # at all moments of a frame
        began = time.perf_counter()
        place = 0.5 + 0.3 * np.sin(number / 5)
        page.receive({"type": "events", "number": number, "events": [["move", place, 0.5]]})
        while number not in page.heard or not any(at > page.heard[number] for at, _ in page.frames[-3:]):
            page.news.clear()
            page.news.wait(0.5)
        shown = next(at for at, _ in page.frames[-3:] if at > page.heard[number])
        took.append((shown - began) * 1000)
    took.sort()
    return f"median {statistics.median(took):.0f} ms, 95 % within {took[int(0.95 * len(took))]:.0f} ms"


def encoders(picture: Pixels) -> dict[str, Callable[[], bytes]]:
    """Return what encodes a picture, by name."""
    found: dict[str, Callable[[], bytes]] = {
        f"Pillow, JPEG, level {level}": (lambda level=level: as_jpeg(picture, level).content)  # type: ignore[misc]
        for level in range(3)
    }
    found["PyAV, MJPEG"] = lambda: mjpeg(picture)
    found["Pillow, WebP"] = lambda: saved(picture, "WEBP", quality=80, method=0)
    found["Pillow, WebP, lossless"] = lambda: as_webp(picture).content
    for level in (1, 9):
        found[f"Pillow, PNG, level {level}"] = lambda level=level: as_png(picture, level).content  # type: ignore[misc]
    return found


def saved(picture: Pixels, form: str, **options: Any) -> bytes:
    content = io.BytesIO()
    Image.fromarray(picture).save(content, form, **options)
    return content.getvalue()


def mjpeg(picture: Pixels) -> bytes:
    """Return a picture as FFmpeg's encoder makes it."""
    context: Any = av.CodecContext.create("mjpeg", "w")
    context.width, context.height, context.pix_fmt = picture.shape[1], picture.shape[0], "yuvj420p"
    context.time_base = Fraction(1, 30)
    frame = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(format="yuvj420p")
    frame.pts = 0
    return b"".join(bytes(packet) for packet in [*context.encode(frame), *context.encode(None)])


def cost(encode: Callable[[], bytes], least_s: float = 0.5) -> str:
    """Return the time that encoding takes, and the size."""
    took, size = [], len(encode())
    end = time.perf_counter() + least_s
    while time.perf_counter() < end:
        began = time.perf_counter()
        encode()
        took.append(time.perf_counter() - began)
    return f"{statistics.median(took) * 1000:6.1f} ms {size / 1000:6.0f} kB"


if __name__ == "__main__":
    main()
