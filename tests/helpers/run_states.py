"""States of runs that were never made, from plain values."""

import math
from dataclasses import dataclass

from valuescape.gpu.context import DriverInfo
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.render.scene.budget import Budget
from valuescape.render.view.looks import Looks
from valuescape.run_state import LiveSettings, Noticed, RunState
from valuescape.sim.config.files import load_config
from valuescape.sim.engine import EpisodeStats
from valuescape.sim.insight.crowd import CrowdNumbers
from valuescape.sim.insight.plane import map_plane
from valuescape.sim.measuring.health import RunLog
from valuescape.sim.worlds import make_world

NO_EPISODES = EpisodeStats(0, 0, math.nan, math.nan)


@dataclass(frozen=True)
class KnownFigures:
    """Figures that are known from the start."""

    all_parts: tuple = ()
    all_limits: tuple = ()
    loads: tuple = ()
    totals: EpisodeStats = NO_EPISODES
    hit_rate: float = math.nan
    crowd: CrowdNumbers | None = None

    def episodes(self):
        return self.totals

    def critic(self):
        return self.crowd

    def parts(self):
        return list(self.all_parts)

    def limits(self):
        return list(self.all_limits)

    def worker_loads(self):
        return list(self.loads)

    def processes(self):
        return {}


def live_settings(config=None, **changes):
    """Return what a person can change; changes: of its fields, or `glow`."""
    looks = Looks().having("render.glow", changes.pop("glow", 0.0))
    settings = LiveSettings(
        looks,
        "both",
        "age",
        flat=False,
        text=True,
        help=False,
        profile=False,
        selection=False,
        box=False,
        ticks_per_s=60.0,
        segments=-1,
        picture=(1280, 720),
        config=config or load_config(None),
    )
    return settings._replace(**changes)


def run_state(*settings, figures=None, live=None, **changes):
    """Return the state of a run before its first frame.

    settings: of the configuration, as for --set. figures: of `KnownFigures`. live: of `live_settings`.
    changes: of the other fields.
    """
    config = load_config(None, list(settings))
    world = make_world(config.world.name, config)
    fields = {
        "settings": live_settings(config, **(live or {})),
        "live": {},
        "world": world,
        "checkpoint": None,
        "plane": map_plane(config, world),
        "sliceable": True,
        "tick": -1,
        "workers": 2,
        "restarts": 0,
        "budget": Budget(5000),
        "individuals": config.agents.count,
        "thinned": None,
        "segments_left_out": 0,
        "paused": False,
        "lockstep": False,
        "recorded": False,
        "headless": True,
        "blind": False,
        "help_seen": False,
        "interrupted": False,
        "driver": DriverInfo("llvmpipe [really]", "Mesa", "4.5"),
        "log": RunLog(),
        "busy_ms": (),
        "counters": FrameMeter(),
        "start_s": 1.25,
        "noticed": Noticed(),
        "figures": KnownFigures(**(figures or {})),
    }
    return RunState(**fields | changes)
