"""One picture as frames of all kinds that pages want, each encoded once."""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from valuescape.render.displays.streaming.pictures import Encoded, Pixels, as_jpeg, as_webp, smaller
from valuescape.render.displays.streaming.seat import Kind, Seat
from valuescape.render.displays.streaming.video import CODECS, VideoEncoder, VideoFrame, encoder_of

_UNUSED_S = 10.0
"""Seconds after which an encoder of video that nobody wants is let go."""


class Frame(NamedTuple):
    """A frame as it is sent: its number, what is said of it, its bytes, and its place in a video."""

    number: int
    about: Mapping[str, Any]
    content: bytes
    video: VideoFrame | None = None

    def fits(self, seat: Seat) -> bool:
        """Whether a page can decode it: a frame of a video may need the one before."""
        return self.video is None or self.video.key or seat.video == self.video.before


class _Video(NamedTuple):
    encoder: VideoEncoder
    size_px: tuple[int, int]
    used_s: float


class Encoders:
    """Encodes pictures one after the other; for one thread.

    made: frames that were encoded so far. The codecs of `missing` cannot be used here.
    """

    def __init__(self) -> None:
        self.made = 0
        self.missing: set[str] = set()
        self._sizes: dict[int, Pixels] = {}  # by 1 / their size
        self._heard = 0
        self._frames: dict[Kind, Frame] = {}
        self._videos: dict[Kind, _Video] = {}

    def begin(self, pixels: Pixels, heard: int) -> None:
        """Go over to another picture. heard: number of the events in it, which frames tell."""
        self._sizes, self._heard = {1: pixels}, heard
        self._frames.clear()

    def frame(self, kind: Kind, seats: Collection[Seat], now: float) -> Frame:
        """Return the picture as a frame for these pages; it is made when it is first asked for."""
        if kind.form in self.missing:
            kind = kind._replace(form="jpeg")
        if kind not in self._frames:
            self._frames[kind] = self._video(kind, seats, now) if kind.form in CODECS else self._picture(kind)
        return self._frames[kind]

    def let_go(self, now: float) -> None:
        """Let go of encoders of video that nobody has wanted for a while."""
        self._videos = {kind: each for kind, each in self._videos.items() if now - each.used_s < _UNUSED_S}

    def _scaled(self, scale: int) -> Pixels:
        if scale not in self._sizes:
            self._sizes[scale] = smaller(self._sizes[1], scale)
        return self._sizes[scale]

    def _picture(self, kind: Kind) -> Frame:
        pixels = self._scaled(kind.scale)
        return self._numbered(as_webp(pixels) if kind.form == "webp" else as_jpeg(pixels, kind.level))

    def _video(self, kind: Kind, seats: Collection[Seat], now: float) -> Frame:
        pixels = self._scaled(kind.scale)
        encoder = self._encoder(kind, (pixels.shape[1], pixels.shape[0]), now)
        if encoder is None:
            self.missing.add(kind.form)
            return self.frame(kind, seats, now)
        lost = sum(seat.video != encoder.newest for seat in seats)
        made = encoder.encode(pixels, key=lost == len(seats) or (lost > 0 and encoder.may_key()))
        width, height = encoder.size_px
        about = {"key": made.key, "width": width, "height": height}
        return self._numbered(Encoded(made.content, f"video/{kind.form}", lossless=False), about, made)

    def _encoder(self, kind: Kind, size_px: tuple[int, int], now: float) -> VideoEncoder | None:
        """Return the encoder of a kind, made anew for another size; None without such a codec."""
        video = self._videos.get(kind)
        if video is None or video.size_px != size_px:
            encoder = encoder_of(kind.form, size_px, kind.level)
            if encoder is None:
                return None
            video = _Video(encoder, size_px, now)
        self._videos[kind] = video._replace(used_s=now)
        return video.encoder

    def _numbered(
        self, encoded: Encoded, more: Mapping[str, Any] | None = None, video: VideoFrame | None = None
    ) -> Frame:
        self.made += 1
        about = {"type": "frame", "number": self.made, "format": encoded.media_type}
        about = {**about, "lossless": encoded.lossless, "heard": self._heard, **(more or {})}
        return Frame(self.made, about, encoded.content, video)
