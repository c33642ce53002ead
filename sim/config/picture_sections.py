"""Sections of a configuration for the picture: trails, fields, level of detail, view."""

from typing import Annotated, Literal

from pydantic import Field

from valuescape.sim.config.sections import MAX_SECONDS, MAX_TEXT, Section
from valuescape.sim.config.setting import Group, Live, Panel, setting

PLAIN_COLORS = ("age", "agent")
"""Colours of trails that need neither states nor rewards of the agent; the others are those of
`valuescape.sim.insight.signal_kinds`, of the world and of plug-ins."""

Colormap = Literal["viridis", "cividis", "plasma", "inferno", "magma", "gray", "RdBu_r", "PuOr", "coolwarm"]

SinglePrecision = Annotated[float, Field(ge=-1e30, le=1e30)]
"""A number that stays finite in single precision, in which the picture is made."""


class TrailsConfig(Section):
    """The paths that agents leave."""

    length: int = setting(
        64,
        "how far an agent's trail reaches back",
        unit="ticks",
        ge=2,
        le=4096,
        panel=Panel(Group.RUN, 8, "trail length"),
    )
    color_by: str = setting(
        "age",
        "what a trail's colour says: age, agent, speed, reward, action, outcome; with a critic value, "
        "td_error, advantage; the name of a world's parameter or of a plug-in's colouring",
        max_length=MAX_TEXT,
        live=Live.VIEW,
        panel=Panel(Group.TRAILS, 1, "colour"),
    )
    width_px: float = setting(
        1.6,
        "width of a trail",
        unit="px",
        gt=0,
        le=32,
        live=Live.LOOKS,
        panel=Panel(Group.TRAILS, 3, "width", 0.5, 8, "%.1f px"),
    )
    opacity: float = setting(
        0.85,
        "opacity of the newest end; it fades towards the oldest",
        unit="",
        ge=0,
        le=1,
        live=Live.LOOKS,
        panel=Panel(Group.TRAILS, 2, "opacity"),
    )
    renderer: Literal["raster", "compute"] = setting(
        "raster",
        "how trails are drawn one by one: as ribbons, or summed by a compute shader, which mixes the colours "
        "of trails that cross; for cards that rasterise slowly; needs render.msaa = 0",
    )
    end_marks: bool = setting(
        True,
        "mark where an episode ended: a cross if it terminated, a square if truncated",
        live=Live.LOOKS,
        panel=Panel(Group.TRAILS, 6, "mark ends of episodes"),
    )


class HeatmapConfig(Section):
    """The fields under the agents."""

    resolution: int = setting(128, "texels along each edge of the critic field", unit="", ge=8, le=2048)
    backend: Literal["auto", "gpu", "cpu"] = setting(
        "auto",
        "where the critic field is computed; auto: compute shaders on a GPU, and with a software driver the "
        "faster of shaders and machine code",
    )
    density_resolution: int = setting(128, "cells along each edge of the density", unit="", ge=8, le=4096)
    density_half_life: float = setting(
        20.0,
        "time, at sim.ticks_per_s, until a visit counts half; 0: never forgets",
        unit="s",
        ge=0,
        le=MAX_SECONDS,
    )
    layer: str = setting(
        "both",
        "name of the map that is drawn: value, density, both (visits over values)",
        max_length=MAX_TEXT,
        live=Live.VIEW,
        panel=Panel(Group.VIEW, 2, "layer"),
    )
    beside: str = setting(
        "",
        "name of the map that is drawn beside it, in the right half of the picture; empty: none",
        max_length=MAX_TEXT,
        live=Live.VIEW,
        panel=Panel(Group.VIEW, 3, "beside"),
    )
    linked: bool = setting(
        True,
        "two maps side by side share a colour scale, if both show the same quantity",
        live=Live.VIEW,
        panel=Panel(Group.VIEW, 4, "link colour scales"),
    )
    range_hysteresis: float = setting(
        0.1, "share by which a range must shrink before the colour scale follows", unit="", ge=0, le=1
    )
    axes: str = setting(
        "auto",
        "state variables along x and y: 'pole angle, pole velocity'; auto: the world's own",
        max_length=MAX_TEXT,
        panel=Panel(Group.SLICE, 1, ("along x", "along y")),
    )
    slice: str = setting(
        "",
        "values of the other variables: 'cart velocity=0.5, cart position=-1'; those not named "
        "have the world's own, or the middle of their window",
        max_length=MAX_TEXT,
        live=Live.RUN,
    )
    colormap: Literal["auto"] | Colormap = setting(
        "auto",
        "colours of the value; auto: viridis, or a dark gray without visits where trails show a signed "
        "signal; the diverging ones (RdBu_r, PuOr, coolwarm) have 0 in their middle",
        live=Live.LOOKS,
        panel=Panel(Group.FIELDS, 2, "value"),
    )
    density_colormap: Colormap = setting(
        "magma", "colours of the density", live=Live.LOOKS, panel=Panel(Group.FIELDS, 3, "density")
    )
    low: Literal["auto"] | SinglePrecision = setting(
        "auto",
        "low end of the value's colour scale",
        unit="",
        live=Live.LOOKS,
        panel=Panel(Group.FIELDS, 5, "low end", form="%.4g"),
    )
    high: Literal["auto"] | SinglePrecision = setting(
        "auto",
        "high end of the value's colour scale",
        unit="",
        live=Live.LOOKS,
        panel=Panel(Group.FIELDS, 6, "high end", form="%.4g"),
    )
    opacity: float = setting(
        1.0,
        "opacity of the fields",
        unit="",
        ge=0,
        le=1,
        live=Live.LOOKS,
        panel=Panel(Group.FIELDS, 1, "opacity"),
    )
    contours: int = setting(
        12,
        "contour lines over the colour scale",
        unit="",
        ge=0,
        le=64,
        live=Live.LOOKS,
        panel=Panel(Group.FIELDS, 4, "contours", 0, 40, "%d"),
    )


class LodConfig(Section):
    """The level of detail of trails."""

    levels: int = setting(5, "levels; level L draws every 2^L-th sample", unit="", ge=1, le=8)
    tolerance_px: float = setting(0.5, "largest error of a coarser trail", unit="px", ge=0, le=16)
    segment_budget: Literal["auto"] | Annotated[int, Field(ge=0, le=100_000_000)] = setting(
        "auto",
        "trail segments drawn a frame; trails beyond it are shown together, as a crowd over the "
        "map; 0: no limit; auto follows the frame time",
        unit="",
        live=Live.RUN,
        panel=Panel(Group.TRAILS, 7, "segments"),
    )
    crowd_cell_px: float = setting(1.25, "size of a cell of the crowd's map", unit="px", ge=0.5, le=16)


class RenderConfig(Section):
    """The picture."""

    width: int = setting(1280, "width of the picture", unit="px", once=True, ge=160, le=7680)
    height: int = setting(720, "height of the picture", unit="px", once=True, ge=120, le=4320)
    text_px: float = setting(13.0, "size of all text", unit="px", ge=8, le=48)
    view: Literal["2d", "3d"] = setting(
        "3d", "map from above, or height field", live=Live.VIEW, panel=Panel(Group.VIEW, 1, ())
    )
    max_fps: float = setting(
        60.0, "highest frame rate; 0: as high as possible", unit="frames/s", ge=0, le=1000
    )
    vsync: bool = setting(True, "wait for the display (window only)", once=True)
    device: Literal["auto"] | Annotated[int, Field(ge=0, le=64)] = setting(
        "auto", "EGL device for headless runs; auto prefers a GPU to a software driver", unit="", once=True
    )
    turn_deg_per_s: float = setting(
        0.0,
        "how fast the 3-D view turns by itself",
        unit="deg/s",
        ge=-360,
        le=360,
        live=Live.VIEW,
        panel=Panel(Group.VIEW, 6, "turning", -30, 30, "%.0f°/s"),
    )
    yaw_deg: float = setting(
        -125.0,
        "direction from which the height field is seen at first",
        unit="deg",
        once=True,
        ge=-360,
        le=360,
    )
    pitch_deg: float = setting(
        34.0, "how steeply it is seen; 89 is from above", unit="deg", once=True, ge=8, le=89
    )
    distance: float = setting(
        4.15, "distance from the middle of the map, in half its widths", unit="", once=True, ge=0.4, le=12
    )
    select: int = setting(
        -1,
        "number of the agent whose card is open; -1: none",
        unit="",
        ge=-1,
        lt=4_000_000,
        live=Live.VIEW,
    )
    follow: bool = setting(False, "keep the selected agent in the middle", live=Live.VIEW)
    place: str = setting(
        "",
        "place of the map whose card is open, and the way from there: '0.3, -0.02' in the units of the axes, "
        "as a click sets it; empty: none",
        max_length=MAX_TEXT,
        live=Live.VIEW,
    )
    mesh_resolution: int = setting(48, "vertices along each edge of the height field", unit="", ge=8, le=1024)
    glow: float = setting(
        0.0,
        "how far light things shine beyond their edges; 0: off",
        unit="",
        ge=0,
        le=2,
        live=Live.LOOKS,
        panel=Panel(Group.EFFECTS, 1, "glow", 0, 2),
    )
    tone_mapping: bool = setting(
        False,
        "let the brightest colours saturate softly; they then differ from the colour bar",
        live=Live.LOOKS,
        panel=Panel(Group.EFFECTS, 2, "tone mapping"),
    )
    msaa: Literal[0, 2, 4, 8] = setting(
        0, "samples a pixel; trails and marks are smooth without, the height field's edges are not", unit=""
    )
    video_fps: int = setting(30, "frame rate of recordings", unit="frames/s", once=True, ge=1, le=120)
