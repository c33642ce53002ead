"""Writes pictures to files: PNG, and MP4 (H.264) with FFmpeg's libraries."""

from collections.abc import Mapping
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from valuescape.sim.errors import UsageError
from valuescape.sim.interrupts import unfinished


def pixels(rgb: bytes, size_px: tuple[int, int]) -> NDArray[np.uint8]:
    """Return RGB bytes as a picture [height, width, 3] uint8: a read-only view."""
    width, height = size_px
    return np.frombuffer(rgb, np.uint8).reshape(height, width, 3)


def save_png(
    path: Path, rgb: bytes, size_px: tuple[int, int], metadata: Mapping[str, str] | None = None
) -> None:
    """Write RGB bytes, top row first, as a PNG. metadata: texts by their keywords, kept compressed (iTXt).

    Raises UsageError if the file cannot be written.
    """
    texts = PngInfo()
    for keyword, text in (metadata or {}).items():
        texts.add_itxt(keyword, text, zip=True)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels(rgb, size_px)).save(path, pnginfo=texts)
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: cannot be written ({error})") from None


class VideoRecorder:
    """Writes frames to a video file as they come; after `close` it can be played, however few they are.

    The newest frame is written when the next one comes, and may be replaced until then. Raises UsageError if
    the file cannot be written or its suffix names no video container. comment: a text for the container's
    metadata; the one that is set when the video is closed counts, but a change copies the file.
    """

    def __init__(self, path: Path, size_px: tuple[int, int], fps: int, comment: str = "") -> None:
        self.path = path
        self.comment = self._written_comment = comment
        self.frames = 0
        self._newest: bytes | None = None
        self._size = size_px
        # H.264 with 4:2:0 colour needs even sizes.
        even = size_px[0] // 2 * 2, size_px[1] // 2 * 2
        self._unfinished = ExitStack()
        self._unfinished.enter_context(unfinished(path))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._container: Any = av.open(str(path), "w")
            self._container.metadata["comment"] = comment
            self._stream: Any = self._container.add_stream("libx264", rate=Fraction(fps))
        except (OSError, ValueError, av.error.FFmpegError) as error:
            raise UsageError(
                f"{path}: cannot be recorded to ({error})", "use a writable path that ends in .mp4"
            ) from None
        self._stream.width, self._stream.height = even
        self._stream.pix_fmt = "yuv420p"
        # A fast preset leaves the cores to the simulation; a low crf, because sharp lines need the bits.
        self._stream.options = {"preset": "veryfast", "crf": "20"}
        self._even = even

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def add(self, rgb: bytes) -> None:
        """Append a frame: RGB bytes, top row first, of the size given at the start."""
        self._write_newest()
        self._newest = rgb
        self.frames += 1

    def replace_newest(self, rgb: bytes) -> None:
        """Replace the newest frame, if there is one."""
        if self._newest is not None:
            self._newest = rgb

    def _write_newest(self) -> None:
        rgb, self._newest = self._newest, None
        if rgb is not None:
            image = pixels(rgb, self._size)[: self._even[1], : self._even[0]]
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
            self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        """Finish the file."""
        if self._container is None:
            return
        self._write_newest()
        self._container.mux(self._stream.encode())
        self._container.close()
        self._container = None
        if self.comment != self._written_comment:
            self._write_comment()
        self._unfinished.close()

    def _write_comment(self) -> None:
        """Copy the finished video, with another comment: a container takes none after its first frame."""
        copy = self.path.with_name(f".copy-{self.path.name}")
        with unfinished(copy), av.open(str(self.path)) as source, av.open(str(copy), "w") as target:
            target.metadata["comment"] = self.comment
            stream = target.add_stream_from_template(source.streams.video[0])
            for packet in source.demux(video=0):
                if packet.dts is not None:  # the last one only says that no more come
                    packet.stream = stream
                    target.mux(packet)
        copy.replace(self.path)
