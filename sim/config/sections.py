"""The sections of a configuration: every setting's type, bounds, default and meaning, written once."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

MAX_TEXT = 4096
"""Characters of a text: as many as a path has at most."""

MAX_SECONDS = 1e8
"""Three years; the system's timers take no more than some centuries."""

Figure = Annotated[float, Field(ge=-1e30, le=1e30)]
"""A number that is still one in single precision, in which the picture is made."""


class Section(BaseModel):
    """What all sections share: they cannot be changed, and they refuse keys they do not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class AgentsConfig(Section):
    """The crowd."""

    count: int = Field(200, ge=1, le=4_000_000, description="agents alive at once")
    size_px: float = Field(7.0, gt=0, le=64, description="diameter of an agent's mark, pixels")


class WorkersConfig(Section):
    """The processes that step agents."""

    count: Literal["auto"] | Annotated[int, Field(ge=0, le=256)] = Field(
        "auto",
        description="worker processes; 0 steps in the main process; auto measures whether they are worth it, "
        "and leaves the main process a core",
    )
    start_method: Literal["spawn", "forkserver"] = Field("spawn", description="how processes are started")
    max_lead: int = Field(8, ge=1, le=256, description="ticks a worker may be ahead of the slowest")
    heartbeat_timeout: float = Field(
        10.0,
        gt=0,
        le=MAX_SECONDS,
        description="seconds of silence until a worker counts as hung, also while it starts (2 at least)",
    )
    start_timeout: float = Field(
        180.0,
        gt=0,
        le=MAX_SECONDS,
        description="seconds a worker may take to start; the very first time it compiles",
    )
    max_restarts: int = Field(
        5, ge=0, le=1_000_000, description="restarts within restart_window after which a run gives up"
    )
    restart_window: float = Field(
        60.0, gt=0, le=MAX_SECONDS, description="seconds over which restarts are counted"
    )


class WorldConfig(Section):
    """What the agents live in."""

    name: str = Field(
        "point_mass",
        max_length=MAX_TEXT,
        description="point_mass, mountain_car, mountain_car_continuous, pendulum, cartpole, acrobot, "
        "differential_drive, flock, gymnasium:ID",
    )


class FlockConfig(Section):
    """The world `flock`: birds that see each other. Lengths have no unit, times are steps."""

    extent: float = Field(
        0.0, ge=0, le=1e6, description="edge of the periodic square; 0: an area of 50 a bird"
    )
    visual_distance: float = Field(5.0, gt=0, le=1e6, description="how far a bird sees")
    speed: float = Field(1.0, ge=0, le=1e6, description="length of a step")
    separation: float = Field(1.0, ge=0, le=1e6, description="distance below which birds avoid each other")
    cohere_factor: float = Field(0.03, ge=0, le=1e6, description="weight of the mean way to the neighbours")
    separate_factor: float = Field(
        0.015, ge=0, le=1e6, description="weight of the mean way from those within separation"
    )
    match_factor: float = Field(0.05, ge=0, le=1e6, description="weight of the neighbours' mean velocity")


class PolicyConfig(Section):
    """Who acts, and whose opinion is shown."""

    checkpoint: str = Field(
        "auto",
        max_length=MAX_TEXT,
        description="auto: the one shipped for the world; random: no policy and no critic; else a file "
        "(Valuescape .safetensors or Stable-Baselines3 .zip)",
    )
    exploration: float = Field(
        0.0, ge=0, le=1, description="noise: standard deviation as a share of half the range, or epsilon"
    )
    torchscript_critic: str = Field(
        "",
        max_length=MAX_TEXT,
        description="TorchScript file that maps obs to value, shown in place of the checkpoint's critic",
    )


class SimConfig(Section):
    """The simulation's clock."""

    ticks_per_s: float = Field(60.0, ge=0, le=1e6, description="ticks per second of wall time; 0: all it can")


TrailColor = Literal["age", "agent", "speed", "reward", "value", "td_error", "advantage", "action", "outcome"]
Colormap = Literal["viridis", "cividis", "plasma", "inferno", "magma", "gray", "RdBu_r", "PuOr", "coolwarm"]


class TrailsConfig(Section):
    """The paths that agents leave."""

    length: int = Field(64, ge=2, le=4096, description="ticks an agent's trail reaches back")
    color_by: TrailColor = Field(
        "age",
        description="what a trail's colour says; value, td_error and advantage need a critic",
    )
    width_px: float = Field(1.6, gt=0, le=32, description="width, pixels")
    opacity: float = Field(
        0.85, ge=0, le=1, description="opacity of the newest end; it fades towards the oldest"
    )
    end_marks: bool = Field(
        True, description="mark where an episode ended: a cross if it terminated, a square if truncated"
    )


class HeatmapConfig(Section):
    """The fields under the agents."""

    resolution: int = Field(128, ge=8, le=2048, description="texels along each edge of the critic field")
    density_resolution: int = Field(128, ge=8, le=4096, description="cells along each edge of the density")
    density_half_life: float = Field(
        20.0,
        ge=0,
        le=MAX_SECONDS,
        description="seconds, at sim.ticks_per_s, until a visit counts half; 0: never forgets",
    )
    layer: str = Field(
        "both",
        max_length=MAX_TEXT,
        description="name of the map that is drawn: value, density, both (visits over values)",
    )
    range_hysteresis: float = Field(
        0.1, ge=0, le=1, description="share by which a range must shrink before the colour scale follows"
    )
    axes: str = Field(
        "auto",
        max_length=MAX_TEXT,
        description="state variables along x and y: 'pole angle, pole velocity'; auto: the world's own",
    )
    slice: str = Field(
        "",
        max_length=MAX_TEXT,
        description="values of the other variables: 'cart velocity=0.5, cart position=-1'; those not named "
        "have the world's own, or the middle of their window",
    )
    colormap: Literal["auto"] | Colormap = Field(
        "auto",
        description="of the value; auto: viridis, and a dark gray without visits where trails show a signed "
        "signal; the diverging ones (RdBu_r, PuOr, coolwarm) have 0 in their middle",
    )
    density_colormap: Colormap = Field("magma", description="of the density")
    low: Literal["auto"] | Figure = Field("auto", description="low end of the value's colour scale")
    high: Literal["auto"] | Figure = Field("auto", description="high end of the value's colour scale")
    opacity: float = Field(1.0, ge=0, le=1, description="opacity of the fields")
    contours: int = Field(12, ge=0, le=64, description="contour lines over the colour scale")


class LodConfig(Section):
    """How much of a trail is drawn."""

    levels: int = Field(5, ge=1, le=8, description="levels; level L draws every 2^L-th sample")
    tolerance_px: float = Field(0.5, ge=0, le=16, description="largest error of a coarser trail, pixels")
    segment_budget: Literal["auto"] | Annotated[int, Field(ge=0, le=100_000_000)] = Field(
        "auto",
        description="trail segments drawn a frame; trails beyond it are shown together, as a crowd over the "
        "map; 0: no limit; auto follows the frame time",
    )
    crowd_cell_px: float = Field(1.25, ge=0.5, le=16, description="size of a cell of the crowd's map, pixels")


class RenderConfig(Section):
    """The picture."""

    width: int = Field(1280, ge=160, le=7680, description="pixels")
    height: int = Field(720, ge=120, le=4320, description="pixels")
    text_px: float = Field(13.0, ge=8, le=48, description="size of all text, pixels")
    view: Literal["2d", "3d"] = Field("3d", description="map from above, or height field")
    max_fps: float = Field(60.0, ge=0, le=1000, description="frames per second at most; 0: all it can")
    vsync: bool = Field(True, description="wait for the display (window only)")
    device: Literal["auto"] | Annotated[int, Field(ge=0, le=64)] = Field(
        "auto", description="EGL device for headless runs; auto prefers a GPU to a software driver"
    )
    turn_deg_per_s: float = Field(0.0, ge=-360, le=360, description="how fast the 3-D view turns by itself")
    yaw_deg: float = Field(
        -125.0, ge=-360, le=360, description="from where the height field is seen at first"
    )
    pitch_deg: float = Field(34.0, ge=8, le=89, description="how steeply; 89 is from above")
    distance: float = Field(4.15, ge=0.4, le=12, description="from the middle of the map, in half its widths")
    select: int = Field(
        -1, ge=-1, lt=4_000_000, description="the agent whose card is open at first; -1: none"
    )
    follow: bool = Field(False, description="keep the selected agent in the middle")
    mesh_resolution: int = Field(
        48, ge=8, le=1024, description="vertices along each edge of the height field"
    )
    glow: float = Field(0.0, ge=0, le=2, description="how far light things shine beyond their edges; 0: off")
    tone_mapping: bool = Field(
        False, description="let the brightest colours saturate softly; they then differ from the colour bar"
    )
    msaa: Literal[0, 2, 4, 8] = Field(
        0,
        description="samples a pixel; trails and marks are smooth without, the height field's edges are not",
    )
    video_fps: int = Field(30, ge=1, le=120, description="frames per second of recordings")


class HealthConfig(Section):
    """The limits a run is held against, and how it is measured."""

    warmup_s: float = Field(
        5.0, ge=0, le=MAX_SECONDS, description="seconds after the first frame that FPS and memory leave out"
    )
    fps_std_below: float = Field(
        5.0, gt=0, le=1e9, description="standard deviation of FPS over one-second windows"
    )
    frame_ms_p95_below: float = Field(50.0, gt=0, le=1e9, description="95th percentile of the frame time, ms")
    gpu_queries_below: float = Field(10.0, gt=0, le=1e9, description="GPU queries a frame")
    draw_calls_below: float = Field(5.0, gt=0, le=1e9, description="draw calls a frame")
    memory_mb_per_min_below: float = Field(
        1.0, gt=0, le=1e9, description="growth of the memory of all processes"
    )
    slow_below_fps: float = Field(
        20.0, ge=0, le=1e9, description="frames a second below which a lighter preset is named; 0: never"
    )
    alarms: str = Field(
        "",
        max_length=MAX_TEXT,
        description="what else is worth a word when it happens: 'fps < 30, trails_ms > 12'; names: fps, "
        "frame_ms, busy_ms, ticks_per_s, memory_mb, segments, restarts, mean_return, SECTION_ms",
    )


class StatsConfig(Section):
    """How old statistics may be; with `features.stats_cache` off all of them are computed every frame."""

    gpu_frames: int = Field(
        25, ge=1, le=1000, description="frames between two reads of what is on the GPU: scales, segments"
    )
    memory_s: float = Field(0.5, ge=0, le=60, description="seconds between two looks at the memory in use")
    episodes_s: float = Field(1.0, ge=0, le=60, description="seconds between two sums over all episodes")
    health_s: float = Field(0.5, ge=0, le=60, description="seconds between two looks at limits and alarms")
    captions_s: float = Field(0.5, ge=0, le=60, description="seconds between two changes of the text")


class FeaturesConfig(Section):
    """Optimisations; each off is the plain path, kept as the reference."""

    vectorized_heights: bool = Field(
        True, description="trail samples put on the surface all at once, on the GPU; off: a loop in Python"
    )
    stats_cache: bool = Field(
        True, description="statistics computed as seldom as [stats] says; off: with every frame"
    )
    gpu_heatmap: bool = Field(True, description="critic field by compute shaders; off: torch on the CPU")
    batched_trails: bool = Field(True, description="all trails in one draw; off: one draw a trail")
    instanced_agents: bool = Field(True, description="all agents in one draw; off: one draw an agent")
    async_physics: bool = Field(True, description="ticks run beside frames; off: in lockstep with them")
    parallel_agents: bool = Field(True, description="worker processes; off: steps in the main process")
    trail_lod: bool = Field(True, description="coarser trails where nobody sees it; off: every sample")
    spatial_culling: bool = Field(True, description="only trails in view are drawn; off: all")
    simd: bool = Field(True, description="ticks compiled into vector code by numba; off: NumPy")


class RunConfig(Section):
    """The run itself."""

    seed: int = Field(0, ge=0, lt=2**64, description="all randomness follows from it")
    seconds: float = Field(
        20.0, gt=0, le=MAX_SECONDS, description="length of a headless run when nothing else is said"
    )
    record: bool = Field(False, description="write a video when headless, even without --record")
