"""Sections of a configuration: the run, the simulation, its processes and measurements.

A setting is declared here, or in `picture_sections`, and nowhere else: type, default, bounds, description,
unit, whether it is live, and its widget. All else is derived (`valuescape.sim.config.model`).
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from valuescape.sim.config.setting import Group, Live, Panel, setting

MAX_TEXT = 4096
"""Most characters of a text: as many as a path may have."""

MAX_SECONDS = 1e8
"""Most seconds of a duration: three years. The system's timers overflow after some centuries."""


class Section(BaseModel):
    """Base of all sections: immutable, strict about types, and without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class AgentsConfig(Section):
    """The agents."""

    count: int = setting(
        200,
        "agents alive at once",
        unit="",
        ge=1,
        le=4_000_000,
        live=Live.RUN,
        panel=Panel(Group.RUN, 3, "agents", 1, 1_000_000, "%d", logarithmic=True, let_go=True),
    )
    size_px: float = setting(
        7.0,
        "diameter of an agent's mark",
        unit="px",
        gt=0,
        le=64,
        live=Live.LOOKS,
        panel=Panel(Group.TRAILS, 5, "size", 2, 24, "%.0f px"),
    )


class WorkersConfig(Section):
    """The processes that step agents."""

    count: Literal["auto"] | Annotated[int, Field(ge=0, le=256)] = setting(
        "auto",
        "worker processes; 0 steps in the main process; auto measures whether they are worth it, "
        "and leaves the main process a core",
        unit="",
        live=Live.RUN,
        panel=Panel(Group.RUN, 4, "workers", 0, 16, "%d", let_go=True),
    )
    start_method: Literal["spawn", "forkserver"] = setting("spawn", "how processes are started")
    max_lead: int = setting(8, "how far a worker may be ahead of the slowest one", unit="ticks", ge=1, le=256)
    heartbeat_timeout: float = setting(
        10.0,
        "silence until a worker counts as hung, also while it starts (2 at least)",
        unit="s",
        gt=0,
        le=MAX_SECONDS,
    )
    start_timeout: float = setting(
        180.0,
        "time that a worker may take to start; the very first time it compiles",
        unit="s",
        gt=0,
        le=MAX_SECONDS,
    )
    max_restarts: int = setting(
        5, "restarts within restart_window after which a run gives up", unit="", ge=0, le=1_000_000
    )
    restart_window: float = setting(
        60.0, "time over which restarts are counted", unit="s", gt=0, le=MAX_SECONDS
    )
    cluster: str = setting(
        "",
        "the Ray cluster whose nodes step the agents, each with workers of its own: auto: the one that runs "
        "here; local: one that the run starts; ray://HOST:PORT or HOST:PORT; empty: none",
        max_length=MAX_TEXT,
    )
    nodes: int = setting(
        0, "the most nodes of a cluster that step the agents; 0: all", unit="", ge=0, le=10_000
    )
    keep_ticks: int = setting(
        600,
        "interval at which a cluster's nodes keep each other's agents, to make them again after a loss",
        unit="ticks",
        ge=1,
        le=10**9,
    )


class WorldConfig(Section):
    """The environment that the agents live in."""

    name: str = setting(
        "point_mass",
        "point_mass, mountain_car, mountain_car_continuous, pendulum, cartpole, acrobot, "
        "differential_drive, flock, gymnasium:ID, or code that --world or --env-file names",
        max_length=MAX_TEXT,
        panel=Panel(Group.RUN, 2, "world"),
    )
    parameters: dict[str, float | Annotated[str, Field(max_length=80)]] = setting(
        {},
        'values of what the world declares, such as gravity = 9.8; "8..12": each agent has its own',
        unit="",
        max_length=64,
        live=Live.RUN,
    )
    env: dict[str, JsonValue] = setting(
        {},
        "arguments of the function that makes an environment of Gymnasium, such as size = 5",
        max_length=64,
    )
    max_episode_steps: int = setting(
        0,
        "steps after which an environment's episodes are cut off; 0: as it says itself",
        unit="steps",
        ge=0,
        le=10**9,
    )
    vector: bool = setting(
        False, "step all agents of a worker by the vectorised version that gymnasium:ID is registered with"
    )


class FlockConfig(Section):
    """The world `flock`: birds that see each other. Lengths have no unit, times are steps."""

    extent: float = setting(
        0.0, "edge of the periodic square; 0: an area of 50 a bird", unit="", live=Live.RUN, ge=0, le=1e6
    )
    visual_distance: float = setting(5.0, "how far a bird sees", unit="", live=Live.RUN, gt=0, le=1e6)
    speed: float = setting(1.0, "length of a step", unit="", live=Live.RUN, ge=0, le=1e6)
    separation: float = setting(
        1.0, "distance below which birds avoid each other", unit="", live=Live.RUN, ge=0, le=1e6
    )
    cohere_factor: float = setting(
        0.03, "weight of the mean way to the neighbours", unit="", live=Live.RUN, ge=0, le=1e6
    )
    separate_factor: float = setting(
        0.015, "weight of the mean way from those within separation", unit="", live=Live.RUN, ge=0, le=1e6
    )
    match_factor: float = setting(
        0.05, "weight of the neighbours' mean velocity", unit="", live=Live.RUN, ge=0, le=1e6
    )


class PolicyConfig(Section):
    """The policy that acts, and the critic that is shown."""

    checkpoint: str = setting(
        "auto",
        "auto: the one shipped for the world; random: no policy and no critic; else a file of any library "
        "that is read (docs/checkpoints.md), or the folder of a training run",
        max_length=MAX_TEXT,
    )
    steps: Literal["last"] | Annotated[int, Field(ge=0, le=10**15)] = setting(
        "last",
        "training steps of the checkpoint to show, where policy.checkpoint names a folder",
        unit="steps",
        live=Live.RUN,
    )
    exploration: float = setting(
        0.0,
        "noise: standard deviation as a share of half the range, or epsilon",
        unit="",
        ge=0,
        le=1,
        live=Live.RUN,
        panel=Panel(Group.RUN, 6, "exploration", 0, 1, "%.2f", let_go=True),
    )
    precision: Literal["float32", "bfloat16"] = setting(
        "float32",
        "type in which compiled ticks multiply the actor's hidden units; bfloat16: faster, outputs differ by "
        "about 1 % of the largest (docs/engine.md); float32 still where processor or network do not allow it",
    )
    tabulated: int = setting(
        0,
        "cells each way of a table over the state, of two variables, from which compiled ticks interpolate "
        "the actor's outputs (docs/engine.md); the run says by how much actions differ; 0: no table",
        unit="cells",
        ge=0,
        le=1024,
    )
    entropy_coefficient: Literal["file"] | Annotated[float, Field(ge=0, le=1e6)] = setting(
        "file",
        "alpha of SAC and TQC, in units of the world's rewards, for soft returns; file: as the file says",
        unit="",
    )
    algorithm: str = setting(
        "",
        "algorithm that trained the checkpoint, where the file does not say it: sac, td3, ppo, dqn …",
        max_length=MAX_TEXT,
    )
    activation: Literal[
        "file", "identity", "relu", "tanh", "elu", "leaky_relu", "sigmoid", "silu", "gelu"
    ] = setting("file", "activation between the networks' layers; file: as the checkpoint's file says")
    gamma: Literal["file"] | Annotated[float, Field(ge=0, le=1)] = setting(
        "file", "discount that the critic learned with; file: as the checkpoint's file says", unit=""
    )
    obs_normalization: str = setting(
        "",
        "file with the mean and the var or std of observations in training: VecNormalize's .pkl, .npz, .json "
        "or .safetensors; empty: as the checkpoint's file says, or what lies beside it",
        max_length=MAX_TEXT,
    )
    head: Literal["file", "squashed", "clipped", "argmax", "multi_argmax"] = setting(
        "file",
        "meaning of the actor's outputs: squashed: -1 to 1, scaled to the actions' bounds; clipped: actions; "
        "argmax: a score for each action; multi_argmax: scores of policy.choices; file: as the checkpoint's "
        "file says",
    )
    choices: str = setting(
        "",
        "sizes of the choices that an actor's scores are of, one after the other: '3,2'; empty: as the "
        "checkpoint's file says",
        max_length=MAX_TEXT,
    )
    squash: Literal["file", "yes", "no"] = setting(
        "file",
        "whether the means of continuous actions go through tanh, for files of libraries where a training "
        "script chooses that (Tianshou: unbounded=False); file: as the checkpoint's file says",
    )
    max_action: Literal["file"] | Annotated[float, Field(gt=0)] = setting(
        "file",
        "factor behind the tanh of actions, for files of libraries where a training script chooses it "
        "(Tianshou's max_action); file: as the checkpoint's file says",
        unit="",
    )
    action_bounds: str = setting(
        "",
        "bounds of the actions in training: '-2..2', or for each action '-1..1, 0..1'; empty: as the "
        "checkpoint's file says, else the world's",
        max_length=MAX_TEXT,
    )
    reward_scale: Literal["file"] | Annotated[float, Field(ge=1e-9, le=1e6)] = setting(
        "file",
        "what rewards were multiplied by in training, so that V is shown in the world's units; file: as the "
        "checkpoint's file says, else 1",
        unit="",
    )
    names: str = setting(
        "",
        'TOML file that says which tensors of the checkpoint are which network: [map] actor = "pi"',
        max_length=MAX_TEXT,
    )
    torchscript_critic: str = setting(
        "",
        "TorchScript file that maps obs to value, shown in place of the checkpoint's critic",
        max_length=MAX_TEXT,
    )


class SimConfig(Section):
    """The simulation's clock."""

    ticks_per_s: float = setting(
        60.0,
        "simulated ticks by wall time; 0: as many as possible",
        unit="ticks/s",
        ge=0,
        le=1e6,
        live=Live.RUN,
        panel=Panel(Group.RUN, 1, "ticks/s", 1, 1e4, "%.0f", logarithmic=True),
    )


class HealthConfig(Section):
    """The limits that a run is judged by."""

    warmup_s: float = setting(
        5.0, "time after the first frame that FPS and memory leave out", unit="s", ge=0, le=MAX_SECONDS
    )
    fps_std_below: float = setting(
        5.0, "standard deviation of FPS over one-second windows", unit="frames/s", gt=0, le=1e9
    )
    frame_ms_p95_below: float = setting(50.0, "95th percentile of the frame time", unit="ms", gt=0, le=1e9)
    gpu_queries_below: float = setting(10.0, "GPU queries a frame", unit="", gt=0, le=1e9)
    draw_calls_below: float = setting(5.0, "draw calls a frame", unit="", gt=0, le=1e9)
    memory_mb_per_min_below: float = setting(
        1.0, "growth of the memory of all processes", unit="MB/min", gt=0, le=1e9
    )
    slow_below_fps: float = setting(
        20.0, "frame rate below which a lighter preset is named; 0: never", unit="frames/s", ge=0, le=1e9
    )
    alarms: str = setting(
        "",
        "further conditions to report: 'fps < 30, trails_ms > 12'; names: fps, "
        "frame_ms, busy_ms, ticks_per_s, memory_mb, segments, restarts, mean_return, SECTION_ms",
        max_length=MAX_TEXT,
    )


class StatsConfig(Section):
    """Intervals of statistics; with `features.stats_cache` off all are computed every frame."""

    gpu_frames: int = setting(
        25, "interval of reads from the GPU: colour scales, segments", unit="frames", ge=1, le=1000
    )
    memory_s: float = setting(0.5, "interval of measurements of memory", unit="s", ge=0, le=60)
    episodes_s: float = setting(1.0, "interval of sums over all episodes", unit="s", ge=0, le=60)
    critic_s: float = setting(3.0, "interval of numbers about the critic", unit="s", ge=0, le=600)
    health_s: float = setting(0.5, "interval of checks of limits and alarms", unit="s", ge=0, le=60)
    captions_s: float = setting(0.5, "interval of changes of the text", unit="s", ge=0, le=60)


class FeaturesConfig(Section):
    """Optimisations; each off is the plain path, kept as the reference."""

    vectorized_heights: bool = setting(
        True, "trail samples put on the surface all at once, on the GPU; off: a loop in Python"
    )
    stats_cache: bool = setting(True, "statistics computed as seldom as [stats] says; off: with every frame")
    gpu_heatmap: bool = setting(True, "critic field by compute shaders; off: NumPy on the CPU")
    batched_trails: bool = setting(True, "all trails in one draw; off: one draw a trail")
    instanced_agents: bool = setting(True, "all agents in one draw; off: one draw an agent")
    async_physics: bool = setting(True, "ticks run beside frames; off: in lockstep with them")
    parallel_agents: bool = setting(True, "worker processes; off: steps in the main process")
    trail_lod: bool = setting(True, "coarser trails where the difference is not visible; off: every sample")
    spatial_culling: bool = setting(True, "only trails in view are drawn; off: all")
    simd: bool = setting(True, "ticks compiled into vector code by numba; off: NumPy")
    still_background: bool = setting(
        True, "a map that stays the same, and a picture, not drawn again; off: drawn in every frame"
    )
    binned_crowd: bool = setting(
        True, "without a GPU, crowd and visits made of shared rows by compiled code; off: by shaders"
    )
    painted_map: bool = setting(True, "without a GPU, the flat map painted by compiled code; off: by shaders")


class PluginsConfig(Section):
    """Code of yours and of installed packages; files are named on the command line alone, with --plugin."""

    modules: Annotated[tuple[Annotated[str, Field(max_length=200)], ...], Field(strict=False)] = setting(
        (),
        'modules of installed packages that declare plug-ins, imported at the start: ["package.module"]',
        once=True,
    )
    installed: bool = setting(
        True,
        "import the modules that installed packages announce as entry points `valuescape.plugins`",
        once=True,
    )
    on_error: Literal["stop", "disable"] = setting(
        "stop", "stop: a plug-in that raises ends the run; disable: it is switched off", once=True
    )


class RunConfig(Section):
    """The run itself."""

    seed: int = setting(
        0, "all randomness follows from it", unit="", ge=0, lt=2**64, panel=Panel(Group.RUN, 7, "seed")
    )
    seconds: float = setting(
        20.0,
        "length of a headless run unless the command line gives another",
        unit="s",
        once=True,
        gt=0,
        le=MAX_SECONDS,
    )
    record: bool = setting(False, "write a video when headless, even without --record", once=True)
