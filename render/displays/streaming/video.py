"""Frames of a live video, each encoded as it comes: H.264 as Annex B, or VP8."""

import time
from collections.abc import Mapping
from fractions import Fraction
from itertools import count
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from valuescape.render.displays.streaming.pictures import Pixels

CODECS: Mapping[str, tuple[str, Mapping[str, str]]] = MappingProxyType(
    {
        "avc1.42E01F": (
            "libx264",
            {
                **{"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline", "forced-idr": "1"},
                # Said outright, for browsers take other colours for large pictures. VP8 knows no others.
                "x264-params": "colormatrix=smpte170m:colorprim=smpte170m:transfer=smpte170m",
            },
        ),
        "vp8": (
            "libvpx",
            {"deadline": "realtime", "cpu-used": "-16", "lag-in-frames": "0", "error-resilient": "1"},
        ),
    }
)
"""Codecs by their names for WebCodecs, those that are preferred first: FFmpeg's encoder and its options."""

_BITS_PER_PIXEL = (0.04, 0.12)
"""Bits for each pixel of a frame, for the levels of a slow link and of a better one."""

_FPS = 30
_KEY_S = 1.0
"""Seconds between two frames that can be decoded alone, where some of the pages want more of them."""


class VideoFrame(NamedTuple):
    """A frame; whether it can be decoded alone; which it is, and which it follows: (encoder, place)."""

    content: bytes
    key: bool
    this: tuple[int, int]
    before: tuple[int, int]


_numbers = count(1)


class VideoEncoder:
    """Encodes frames of one size, each by itself or as a difference from the one before; for one thread.

    size_px: an odd row or column is left out, for colours are kept at half the size. level: 0 for slow links,
    1 for others. Raises ValueError if FFmpeg here has no such encoder.
    """

    def __init__(self, codec: str, size_px: tuple[int, int], level: int) -> None:
        import av  # takes 0.1 s to import

        width, height = self.size_px = size_px[0] // 2 * 2, size_px[1] // 2 * 2
        self.newest = next(_numbers), -1
        """The newest frame, as `VideoFrame.this` tells it."""
        name, options = CODECS[codec]
        context: Any = av.CodecContext.create(name, "w")
        context.width, context.height = width, height
        context.pix_fmt, context.time_base, context.framerate = "yuv420p", Fraction(1, 1000), _FPS
        context.bit_rate = int(_BITS_PER_PIXEL[level] * width * height * _FPS)
        context.gop_size = 10_000  # frames that can be decoded alone are made when they are wanted
        context.thread_count = 2
        context.options = dict(options)
        self._context, self._av = context, av
        self._began = time.monotonic()
        self._pts, self._key_s = -1, -1e9

    def may_key(self) -> bool:
        """Whether the last frame that can be decoded alone is a while ago."""
        return time.monotonic() - self._key_s >= _KEY_S

    def encode(self, pixels: Pixels, *, key: bool) -> VideoFrame:
        """Return a picture as the next frame. key: whether it is to be decoded without those before it.

        Raises RuntimeError if the encoder keeps the frame to itself, which none of these does.
        """
        width, height = self.size_px
        frame = self._av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels[:height, :width]), "rgb24")
        frame = frame.reformat(format="yuv420p")
        frame.pts = self._pts = max(self._pts + 1, int((time.monotonic() - self._began) * 1000))
        number, place = before = self.newest
        if key or place < 0:
            frame.pict_type = self._av.video.frame.PictureType.I
        packets = self._context.encode(frame)
        if not packets:
            raise RuntimeError(f"{self._context.name} returned no frame")
        alone = any(each.is_keyframe for each in packets)
        if alone:
            self._key_s = time.monotonic()
        self.newest = number, place + 1
        return VideoFrame(b"".join(bytes(each) for each in packets), alone, self.newest, before)


def encoder_of(codec: str, size_px: tuple[int, int], level: int) -> VideoEncoder | None:
    """Return an encoder; None if FFmpeg here has none for that codec, or for that size."""
    try:
        return VideoEncoder(codec, size_px, level)
    except ValueError:  # FFmpeg's own errors are of this kind
        return None
