"""Compares a picture with the one made again, pixel by pixel."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from valuescape.provenance.containers import open_video
from valuescape.sim.paths import reading

ROUNDING = 2
"""Difference of a pixel, of 255, that rounding may make; a larger one counts."""

ENCODING = 1.0
"""Mean difference of a video's frame, of 255, that another encoder may make of the same pictures."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The difference between two pictures, in a sentence. close: small enough to be the same picture."""

    said: str
    equal: bool
    close: bool


def compare_pictures(one: Path, other: Path) -> Comparison:
    """Compare two PNGs. Raises UsageError if one cannot be read."""
    first, second = _pixels(one), _pixels(other)
    if first.shape != second.shape:
        return Comparison(f"the sizes differ: {_size(first)} and {_size(second)} pixels", False, False)
    apart = np.abs(first.astype(np.int16) - second).max(axis=2)
    return _judged(apart)


def compare_bytes(one: Path, other: Path) -> Comparison:
    """Compare two files that have no pixels."""
    same = one.read_bytes() == other.read_bytes()
    return Comparison("the files are equal" if same else "the files differ", same, same)


def compare_videos(one: Path, other: Path) -> Comparison:
    """Compare the frames of two videos. Raises UsageError if one cannot be decoded."""
    frames, unequal, worst, worst_at = 0, 0, 0.0, 0
    for first, second in zip_longest(frames_of(one), frames_of(other)):
        frames += 1
        if first is None or second is None or first.shape != second.shape:
            return Comparison(f"the videos differ in length or size, from frame {frames} on", False, False)
        if not np.array_equal(first, second):
            unequal += 1
            apart = float(np.abs(first.astype(np.int16) - second).mean())
            if apart > worst:
                worst, worst_at = apart, frames
    if not unequal:
        return Comparison(f"all {frames:,} frames are equal", True, True)
    said = (
        f"{unequal:,} of {frames:,} frames differ, most of all frame {worst_at:,}, whose pixels differ by "
        f"{worst:.2f} of 255 on average"
    )
    close = worst <= ENCODING
    return Comparison(f"{said}: as little as encoding may change" if close else said, False, close)


def frames_of(path: Path) -> Iterator[NDArray[np.uint8]]:
    """Yield the frames of a video, [height, width, 3] uint8. Raises UsageError if it cannot be decoded."""
    with reading(path, "a video"), open_video(path) as container:
        for frame in container.decode(video=0):
            yield np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)


def _judged(apart: NDArray[np.int16]) -> Comparison:
    """Return the judgement of the largest differences of pixels, [height, width]."""
    count, most = int(np.count_nonzero(apart)), int(apart.max())
    if not count:
        return Comparison(f"all {apart.size:,} pixels are equal", True, True)
    rows, columns = np.flatnonzero(apart.any(axis=1)), np.flatnonzero(apart.any(axis=0))
    where = f"x {columns[0]} to {columns[-1]}, y {rows[0]} to {rows[-1]}"
    said = f"{count:,} of {apart.size:,} pixels differ, by up to {most} of 255 ({where})"
    close = most <= ROUNDING
    return Comparison(f"{said}: as little as rounding may change" if close else said, False, close)


def _pixels(path: Path) -> NDArray[np.uint8]:
    from PIL import Image

    with reading(path, "a picture"), Image.open(path, formats=["PNG"]) as image:
        return np.asarray(image.convert("RGB"))


def _size(pixels: NDArray[np.uint8]) -> str:
    return f"{pixels.shape[1]} × {pixels.shape[0]}"
