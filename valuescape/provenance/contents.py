"""`Provenance`: how a picture, a figure, a video or a map of an analysis was made; JSON in and out.

Files come from anywhere, so everything has bounds.
"""

from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, field_validator

from valuescape.gpu.trail_ring import MOST_MISSED
from valuescape.parsing import Count, Figure, Part, Text, at_most
from valuescape.provenance.bits import Bits
from valuescape.provenance.view import Caption, SavedView
from valuescape.recordings.contents import (
    MAX_CHANGES,
    RecordedChange,
    RecordedCheckpoint,
    RecordedPlugins,
    Sha256,
)
from valuescape.sim.config.files import Config
from valuescape.sim.config.model import LIVE
from valuescape.sim.config.sections import MAX_TEXT

FORMAT = "valuescape-picture-1"

MAX_EDGE = 16_384
"""Most pixels of a picture, each way."""

_Names = Annotated[list[Text], at_most(100)]
_AS_LIST = Field(strict=False)
"""For tuples within `at_most`, which hands JSON's lists on as lists."""

_Ends = Annotated[tuple[Figure, Figure], _AS_LIST]
_Range = Annotated[tuple[Count, Count], _AS_LIST]
_Plain = bool | int | float | Annotated[str, Field(max_length=4096)]


class _Part(Part):
    model_config = ConfigDict(extra="forbid")


class Moment(_Part):
    """A tick of a run.

    plane: the values of the state variables that the critic's field is shown at. missed: ranges of ticks,
    first and one past the last, that the picture never saw, as the simulation was faster; all_missed: whether
    these are all. untold, unsigned: ticks whose endings and signals it did not see. agents_seen: the tick
    whose states make the maps that are means over agents; -1 without one. places: SHA-256 of where the agents
    are. changes: of agents, workers, checkpoint and other settings, that had taken effect.
    """

    tick: int = Field(ge=-1, lt=2**62)
    plane: Annotated[list[Figure], at_most(1000)]
    missed: Annotated[list[_Range], at_most(MOST_MISSED)]
    all_missed: bool
    untold: Annotated[list[Count], at_most(4096)]
    unsigned: Annotated[list[Count], at_most(4096)]
    agents_seen: int = Field(ge=-1, lt=2**62)
    places: Sha256 | None
    changes: Annotated[list[RecordedChange], at_most(MAX_CHANGES)] = Field(default_factory=list)

    @property
    def changed(self) -> dict[str, Any]:
        """The settings that the changes have changed, with their last values."""
        return {name: value for each in self.changes for name, value in each.settings.items()}

    @field_validator("missed")
    @classmethod
    def _rise(cls, missed: list[_Range]) -> list[_Range]:
        ends = [end for each in missed for end in each]
        if any(one > other for one, other in pairwise(ends)):
            raise ValueError("ticks have to rise")
        return missed


class SavedCard(_Part):
    """A card, as `render.overlay.cards.Card`."""

    title: Caption
    rows: Annotated[list[Annotated[tuple[Caption, Caption], _AS_LIST]], at_most(1000)]
    values: Annotated[list[Figure], at_most(10_000)]
    mark: Figure
    parts: Annotated[list[Annotated[tuple[Caption, Figure], _AS_LIST]], at_most(1000)]
    lamps: Annotated[list[Annotated[tuple[Caption, bool | None], _AS_LIST]], at_most(1000)]
    note: Caption


class Said(_Part):
    """The texts in a picture: some, like the frame rate, nobody can compute again."""

    left: Annotated[list[Caption], at_most(100)]
    right: Annotated[list[Caption], at_most(100)]
    cards: Annotated[list[SavedCard], at_most(100)]
    notice: Caption


class SavedTrails(_Part):
    """The look of trails, as `render.scene.trails.TrailState`."""

    ends: _Ends | None
    signals_since: Count
    individuals: int = Field(ge=1, le=4_000_000)
    crowd_cells: tuple[Annotated[int, Field(ge=1, le=MAX_EDGE)], Annotated[int, Field(ge=1, le=MAX_EDGE)]]
    crowd_ticks: float = Field(ge=0, le=1e6)


class Canvas(_Part):
    """The size of a picture in pixels, and the framebuffer pixels per logical pixel."""

    width: int = Field(ge=16, le=MAX_EDGE)
    height: int = Field(ge=16, le=MAX_EDGE)
    pixel_scale: float = Field(gt=0, le=16)


def _known(live: dict[str, Any]) -> dict[str, Any]:
    if unknown := live.keys() - LIVE:
        raise ValueError(f"{min(unknown)} is no setting that can change during a run")
    return live


_Live = Annotated[dict[Text, _Plain], at_most(len(LIVE)), AfterValidator(_known)]


class PictureMade(_Part):
    """A picture of a run.

    live: settings (`section.key`) that are not as in the configuration, because a person changed them;
    the slice is in `moment`. ends: of the colour scale of each map. highlighted: agents that the box has met,
    a bit each; None without a box. computing: the map that was not complete yet; "" if all were.
    """

    kind: Literal["picture"] = "picture"
    moment: Moment
    canvas: Canvas
    view: SavedView
    live: _Live
    ends: Annotated[dict[Text, _Ends], at_most(100)]
    trails: SavedTrails
    highlighted: Bits | None
    said: Said
    computing: Text


class FigureMade(_Part):
    """The figure of a run's last tick.

    truth: it shows truth and error. live, computing: as for `PictureMade`, of the truth.
    """

    kind: Literal["figure"] = "figure"
    moment: Moment
    truth: bool = False
    live: _Live = Field(default_factory=dict)
    computing: Text = ""


class VideoMade(_Part):
    """A video of a run, from its start on.

    ticks: the last one, if one was given. workers: as the heading says. headless: made without a window.
    changed: settings that a person changed meanwhile, with the tick; making it again does not change them.
    computing: the maps that were not complete in the first such frame; "" if all always were.
    """

    kind: Literal["video"] = "video"
    canvas: Canvas
    ticks: Annotated[int, Field(ge=1, lt=2**62)] | None
    workers: int = Field(ge=0, le=256)
    headless: bool
    changed: _Names
    computing: Text = ""


class Compared(_Part):
    """A checkpoint that an analysis compares with the first: its label in pictures, name and hash."""

    label: Annotated[str, Field(max_length=4096)]
    checkpoint: RecordedCheckpoint


class AnalysisMade(_Part):
    """A map of an analysis.

    name: of its file in the folder that `analyze` wrote. Rollouts, seed, time limit and entropy coefficient
    are in the configuration. complete: the analysis was not interrupted. compared: the checkpoints on a map
    of several, the first one included.
    """

    kind: Literal["analysis"] = "analysis"
    name: Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,100}\.(png|pdf|svg)$")]
    episodes: int = Field(ge=1, le=100_000)
    cells: int = Field(ge=1, le=2048)
    complete: bool
    compared: Annotated[list[Compared], at_most(1000)]


class MapMade(_Part):
    """A picture of one map, which `import valuescape` made.

    name: of the map, as `heatmap.layer` has it. cells: each way. episodes: of maps of agents. All other
    options are in the configuration.
    """

    kind: Literal["map"] = "map"
    name: Annotated[str, Field(max_length=100)]
    cells: int = Field(ge=2, le=4096)
    episodes: int = Field(ge=1, le=100_000)


class PairMade(_Part):
    """A picture or a video of two configurations side by side: what they are; it is not made again.

    Configuration and checkpoint of the provenance are those of side A. second, acted: of side B. tick: the
    one shown, -1 in a video. command: the one that the run was started with.
    """

    kind: Literal["pair"] = "pair"
    second: Config
    acted: RecordedCheckpoint | None
    tick: int = Field(ge=-1, lt=2**62)
    command: Annotated[str, Field(max_length=MAX_TEXT)]


class FilmMade(_Part):
    """A video that a session in Python made of some of its ticks; it is not made again.

    first, last: its ticks. changes: of the engine until its end. live: as for `PictureMade`, at its end.
    """

    kind: Literal["film"] = "film"
    canvas: Canvas
    first: int = Field(ge=-1, lt=2**62)
    last: int = Field(ge=-1, lt=2**62)
    fps: int = Field(ge=1, le=240)
    live: _Live
    changes: Annotated[list[RecordedChange], at_most(MAX_CHANGES)] = Field(default_factory=list)


Made = Annotated[
    PictureMade | FigureMade | VideoMade | AnalysisMade | MapMade | PairMade | FilmMade,
    Field(discriminator="kind"),
]


class Provenance(_Part):
    """How a file was made: all that it takes to make it again.

    other: the checkpoint of `insight.compare_with`. driver: of OpenGL; "" if none took part.
    """

    format: Literal["valuescape-picture-1"] = FORMAT  # type: ignore[assignment]
    made: Made
    checkpoint: RecordedCheckpoint | None
    other: RecordedCheckpoint | None
    versions: Annotated[dict[Text, Text], at_most(100)]
    driver: Text
    plugins: Annotated[list[RecordedPlugins], at_most(100)] = Field(default_factory=list)
    config: Config
