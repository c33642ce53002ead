"""Pictures as bytes that browsers show: JPEG while they move, without loss once they are still."""

import io
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from valuescape.render.displays.display import picture_bytes

STILL_S = 0.3
"""Seconds without a change after which a picture is sent again, without loss."""

_LEVELS = ((55, "4:2:0"), (75, "4:2:0"), (88, "4:4:4"))
"""Quality and colour sampling of JPEG for each level of `Pacing`; 4:4:4 keeps thin coloured lines sharp."""

_PNG_LEVEL = 1
"""zlib's level: half the time of the usual 6, for a file that is a sixth larger."""

Pixels = NDArray[np.uint8]
"""A picture [height, width, 3], RGB, top row first."""


class Encoded(NamedTuple):
    """A picture as bytes, its media type, and whether it has every pixel as it was drawn."""

    content: bytes
    media_type: str
    lossless: bool


def read_pixels(picture: Any, panel: Any = None) -> Pixels:
    """Return the pixels of a framebuffer, to the right of those of `panel` if there is one: a new array."""
    parts = [_pixels(part) for part in (panel, picture) if part is not None]
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)


def _pixels(framebuffer: Any) -> Pixels:
    width, height = framebuffer.size
    return np.frombuffer(picture_bytes(framebuffer), np.uint8).reshape(height, width, 3)


def as_jpeg(pixels: Pixels, level: int) -> Encoded:
    """Return a picture as JPEG. level: of `Pacing`.

    Performance: 0.8 to 1.4 ms for 960 x 540 pixels (tests/bench/notebook.py); FFmpeg's encoder takes 3 ms.
    """
    quality, sampling = _LEVELS[level]
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "JPEG", quality=quality, subsampling=sampling)
    return Encoded(content.getvalue(), "image/jpeg", lossless=False)


def as_png(pixels: Pixels, compress_level: int = _PNG_LEVEL) -> Encoded:
    """Return a picture as PNG. compress_level: of zlib. Performance: 12 ms for 960 x 540 pixels."""
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG", compress_level=compress_level)
    return Encoded(content.getvalue(), "image/png", lossless=True)


def as_webp(pixels: Pixels) -> Encoded:
    """Return a picture as WebP without loss.

    Performance: at 1280 x 720 pixels two thirds of the time of PNG, for a file of the same size
    (tests/bench/browser.py).
    """
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "WEBP", lossless=True, quality=0, method=0)
    return Encoded(content.getvalue(), "image/webp", lossless=True)


def smaller(pixels: Pixels, divisor: int) -> Pixels:
    """Return a picture of 1 / divisor of the size, each pixel the mean of those that it stands for."""
    return np.asarray(Image.fromarray(pixels).reduce(divisor))
