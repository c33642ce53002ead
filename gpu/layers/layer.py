"""`MapLayer`: a map over the plane of states, as a value.

A layer states its inputs, its texture, its colours, and their explanation. `stub.py` is the smallest one;
`registry.py` holds all that can be shown.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol, Self

from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.heights import Bounds
from valuescape.gpu.passes.ranges import FOLLOWING, ScaleEnds
from valuescape.gpu.trail_ring import TrailRing
from valuescape.sim.arrays import Float32Array
from valuescape.sim.config.files import Config
from valuescape.sim.config.insight_section import InsightConfig
from valuescape.sim.insight.subject import MapRequest, Subject


class Input(Enum):
    """Data that a map is made from."""

    CRITIC = "the critic's field, a texture"
    TRAILS = "the trail ring, which gets a row every tick"
    ARRAY = "values that the processor computes and hands over, [height, width] float32"


class Field(Protocol):
    """A field in a texture, such as the critic's landscape."""

    @property
    def texture(self) -> Any:
        """float32, one channel, [height, width]; lowest row first."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """Data that maps are made from; all of it is lent.

    bounds: of the map, ((x, y) of its low corner, (x, y) of its high one). critic: None without a critic.
    """

    gl: Any
    subject: Subject
    ring: TrailRing
    bounds: Bounds
    critic: Field | None
    meter: FrameMeter

    @property
    def config(self) -> Config:
        """The configuration of the run."""
        return self.subject.config


@dataclass(frozen=True, slots=True)
class News:
    """Changes since a texture was brought up to date: new ticks in the ring; another critic's field."""

    ticks: range = range(0)
    critic: bool = False

    def __bool__(self) -> bool:
        return self.critic or len(self.ticks) > 0

    def then(self, later: Self) -> Self:
        """Return this news and later news as one."""
        ticks = range(self.ticks.start, later.ticks.stop) if self.ticks and later.ticks else None
        return type(self)(ticks or later.ticks or self.ticks, self.critic or later.critic)


class MapTexture(Protocol):
    """A map on the GPU, as `MapLayer.make` returns it."""

    @property
    def texture(self) -> Any:
        """float32, one channel, [height, width]; lowest row first, texel centres carry the values."""

    def refresh(self, news: News) -> bool:
        """Bring the texture up to date; return whether it holds other values now.

        Called once a frame while the map is shown: without news that concerns the map it must cost nothing.
        """

    def release(self) -> object:
        """Free what was made; what `Inputs` lent stays."""


@dataclass(frozen=True, slots=True)
class Legend:
    """The words and the ends of a layer's colour scale, as its colour bar has them.

    names: of the values 0, 1, 2 …, if each stands for a kind of thing. place: the states that the map is
    about, if they are not those of the slice.
    """

    title: str
    unit: str = ""
    meaning: str = ""
    names: tuple[str, ...] = ()
    ends: ScaleEnds = FOLLOWING
    place: str = ""

    @property
    def label(self) -> str:
        """Title and unit."""
        return f"{self.title} ({self.unit})" if self.unit else self.title


@dataclass(frozen=True, slots=True)
class MapLayer:
    """A map over the plane of states.

    name: the value of `heatmap.layer`. title, unit, meaning: for the colour bar and the line that explains
    it. make: returns the texture. inputs: data that it is made from; without them the density is shown.
    ends: of the colour scale. colormap: a name in `render.scene.colormaps`, or "auto": sequential, or
    diverging if the scale is centred. counts: the texture holds log2(1 + x), and the bar is labelled with x.
    names: of the values 0, 1, 2 …, if each stands for a kind of thing. contours: the map has contour lines.
    quantity: "return" of V(s) and of all that is compared with it; two maps of one quantity may share a
    colour scale. always: the map is kept up to date while it is hidden; others are made when first shown.
    slow_range: the range changes slowly, and is looked at less often.

    compute: returns the values of a map with the input ARRAY, [edge, edge] float32, lowest row first, NaN
    where there is none. Called in another thread when the map is shown and what it is asked for has changed.
    of_agents: `compute` is always given the agents' states. lacks: why the map cannot be shown of a subject,
    in words that go on "but …"; "" if it can be. says: returns the legend, where it depends on the subject or
    on settings. scale_of: the name of the layer whose colours and ends this one shares.
    """

    name: str
    title: str
    make: Callable[[Inputs], MapTexture]
    inputs: frozenset[Input] = frozenset()
    unit: str = ""
    meaning: str = ""
    ends: ScaleEnds = FOLLOWING
    colormap: str = "auto"
    counts: bool = False
    names: tuple[str, ...] = ()
    contours: bool = False
    quantity: str = ""
    always: bool = False
    slow_range: bool = False
    compute: Callable[[MapRequest], Float32Array] | None = None
    of_agents: bool = False
    lacks: Callable[[Subject], str] = lambda _: ""
    says: Callable[[Subject, InsightConfig], Legend] | None = None
    scale_of: str = ""

    @property
    def parts(self) -> tuple["MapLayer", ...]:
        """The layer alone, as `MapPair.parts` are two."""
        return (self,)

    def legend(self, subject: Subject, insight: InsightConfig) -> Legend:
        """Return the legend for a subject and settings."""
        if self.says is not None:
            return self.says(subject, insight)
        return Legend(self.title, self.unit, self.meaning, self.names, self.ends)

    def available(self, inputs: Inputs) -> bool:
        """Whether its inputs are there."""
        has_critic = inputs.critic is not None or Input.CRITIC not in self.inputs
        return has_critic and not self.lacks(inputs.subject)


@dataclass(frozen=True, slots=True)
class MapPair:
    """Two layers in one picture: `over` on top of `base`."""

    name: str
    base: MapLayer
    over: MapLayer

    @property
    def parts(self) -> tuple[MapLayer, ...]:
        """Both layers, the lower one first."""
        return self.base, self.over
