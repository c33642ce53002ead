"""Panes of the picture: the whole of it, or its two halves when two maps are shown side by side."""

from dataclasses import dataclass

from valuescape.render.view.camera import Rect


@dataclass(frozen=True, slots=True)
class Pane:
    """A part of the picture with a view of the map, as high as the picture.

    left: its first column. number: 0, or 1 for the right one of two.

    Cameras, plots and pointers are in pixels of the pane, so that both halves show the same.
    """

    left: int
    size_px: tuple[int, int]
    number: int = 0

    @property
    def scissor(self) -> tuple[int, int, int, int]:
        """Left, bottom, width and height in the picture."""
        return self.left, 0, *self.size_px

    def within(self, part: Rect) -> tuple[int, int, int, int]:
        """Return a part of the pane as a scissor of the picture."""
        low = self.size_px[1] - part.bottom
        return self.left + round(part.left), round(low), round(part.width), round(part.height)


def panes(size_px: tuple[int, int], *, split: bool) -> tuple[Pane, ...]:
    """Return the panes of a picture, from the left; an odd column is left between two halves."""
    width, height = size_px
    if not split:
        return (Pane(0, size_px),)
    half = width // 2
    return Pane(0, (half, height)), Pane(width - half, (half, height), 1)


def pane_at(x_px: float, size_px: tuple[int, int], *, split: bool) -> Pane:
    """Return the pane that a column of the picture is in."""
    found = panes(size_px, split=split)
    return found[-1] if x_px >= found[-1].left else found[0]
