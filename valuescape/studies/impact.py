"""The gain of each optimisation on this machine, and the check that both of its paths agree."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.formatting import finite
from valuescape.presets import checkpoint_of
from valuescape.render.displays.display import picture_bytes
from valuescape.render.displays.recorder import pixels
from valuescape.run.length import RunLength
from valuescape.run.outputs import Outputs
from valuescape.run.session import Session
from valuescape.sim.config.files import Config, changed
from valuescape.sim.config.sections import FeaturesConfig
from valuescape.sim.engine import Engine
from valuescape.sim.interrupts import Interrupts
from valuescape.studies.confidence import Change
from valuescape.studies.mixed_order import in_mixed_order

SWITCHES = tuple(FeaturesConfig.model_fields)

ALL_ON, ALL_OFF = "all on", "all off"

SECTIONS = {
    "vectorized_heights": "place",
    "stats_cache": "statistics",
    "batched_trails": "trails",
    "instanced_agents": "trails",
    "async_physics": "engine",
    "parallel_agents": "engine",
    "trail_lod": "trails",
    "spatial_culling": "trails",
    "simd": "engine",
    "still_background": "surface",
    "binned_crowd": "crowd",
    "painted_map": "surface",
}
"""The section of a frame that a switch changes. gpu_heatmap has none: its field precedes the first frame."""

CODE = {
    "vectorized_heights": ("gpu/shaders/trails/place.comp",),
    "stats_cache": ("sim/measuring/stats_cache.py",),
    "gpu_heatmap": (
        "gpu/passes/critic.py",
        "gpu/shaders/critic/dense.comp",
        "gpu/shaders/critic/reduce.comp",
    ),
    "parallel_agents": (
        "sim/crew/worker.py",
        "sim/crew/supervisor.py",
        "sim/shared/turns.py",
        "sim/shared/orders.py",
        "sim/crew/local.py",
    ),
    "trail_lod": (
        *("gpu/passes/lod.py", "gpu/shaders/trails/lod_choose.comp", "gpu/shaders/trails/lod_scan.comp"),
        *("gpu/shaders/trails/lod_scatter.comp", "gpu/passes/crowd.py", "gpu/shaders/crowd/splat.comp"),
        *("gpu/individuals.py", "render/scene/budget.py"),
    ),
    "simd": ("sim/codegen", "sim/stepping/compiled"),
    "still_background": (
        "render/scene/backdrop.py",
        "run/unchanged.py",
    ),
    "binned_crowd": ("sim/cells", "gpu/drawn_ring.py"),
    "painted_map": ("render/scene/painted_map.py", "render/scene/map_pixels.py"),
}
"""Files and folders under `valuescape/` that one switch alone needs; other switches are a few lines each."""

_TICKS = 120

_SEEN_RMSE = 2.5
"""Largest RMSE, of 255, between pictures that two methods make of the same; tests/visual allows less."""


@dataclass(slots=True)
class Variant:
    """One setting of the switches, with the figures of each run.

    parts: milliseconds of a frame by section.
    """

    name: str
    off: tuple[str, ...]
    fps: list[float] = field(default_factory=list)
    frame_ms_p95: list[float] = field(default_factory=list)
    parts: list[dict[str, float]] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Worth:
    """The changes that a switch makes when it is on.

    section: the section of a frame that it changes; empty if none. lines: of code that it alone needs.
    """

    switch: str
    fps: Change
    frame_ms_p95: Change
    section: str
    section_ms: Change
    memory_mb: Change
    lines: int
    agrees: str

    @property
    def recommended(self) -> str:
        """The setting that the figures recommend for this machine."""
        if self.fps.mean > self.fps.reach:
            return "on"
        return "off" if self.fps.mean < -self.fps.reach else "no difference seen"


def variants() -> list[Variant]:
    """Return the settings to measure: all on, each switch alone off, all off."""
    alone = [Variant(f"{switch} off", (switch,)) for switch in SWITCHES]
    return [Variant(ALL_ON, ()), *alone, Variant(ALL_OFF, SWITCHES)]


def measure(
    config: Config,
    seconds: float,
    repeats: int,
    interrupts: Interrupts,
    on_step: Callable[[str], None] = lambda text: None,
) -> Iterator[Sequence[Variant]]:
    """Yield all variants after each run; every repeat measures all of them, in an order of its own."""

    def measure_variant(variant: Variant) -> None:
        _measure_variant(_with_off(config, variant.off), variant, seconds, interrupts)

    return in_mixed_order(variants(), repeats, measure_variant, interrupts, on_step)


def _with_off(config: Config, off: Sequence[str]) -> Config:
    features = {f"features.{switch}": switch not in off for switch in SWITCHES}
    return changed(config, {**features, "run.record": False})


def _measure_variant(config: Config, variant: Variant, seconds: float, interrupts: Interrupts) -> None:
    config = changed(config, {"render.max_fps": 0.0})
    length = RunLength(seconds=seconds)
    with Session(
        config, length, Outputs(Path("runs/impact")), headless=True, interrupts=interrupts
    ) as session:
        session.turn_frames()
        if interrupts.asked:  # a run that was cut short has no figures
            return
        busy = np.array(session.log.busy_s[len(session.log.busy_s) // 5 :])
        variant.parts.append({part.name: part.ms for part in session.ledger.parts()})
        variant.memory_mb.append(session.engine.memory_bytes() / 1e6)
    variant.fps.append(float(1 / busy.mean()))
    variant.frame_ms_p95.append(float(np.percentile(busy, 95)) * 1e3)


def judge(found: Sequence[Variant], agreement: dict[str, str]) -> list[Worth]:
    """Return the changes by each switch, the greatest gain in FPS first. agreement: from `agreements`."""
    known = {variant.name: variant for variant in found}
    on = known[ALL_ON]
    rows = []
    for switch in SWITCHES:
        off = known[f"{switch} off"]
        if not (on.fps and off.fps):
            continue
        section = SECTIONS.get(switch, "")
        rows.append(
            Worth(
                switch,
                Change.of(on.fps, off.fps),
                Change.of(on.frame_ms_p95, off.frame_ms_p95),
                section,
                Change.of(_part(on, section), _part(off, section)),
                Change.of(on.memory_mb, off.memory_mb),
                lines_of(switch),
                agreement.get(switch, "not compared"),
            )
        )
    return sorted(rows, key=lambda worth: -worth.fps.mean)


def lines_of(switch: str) -> int:
    """Return the lines of code that only this switch needs; 0 where they are a few among others."""
    return sum(map(code_lines, CODE.get(switch, ())))


def code_lines(name: str) -> int:
    """Return the lines of a file of `CODE`, or of a folder's modules.

    Raises FileNotFoundError if there is no such file.
    """
    path = Path(__file__).parents[1] / name
    files = path.glob("*.py") if path.is_dir() else [path]
    return sum(len(file.read_text(encoding="utf-8").splitlines()) for file in files)


def agreements(config: Config, interrupts: Interrupts, on_step: Callable[[str], None]) -> dict[str, str]:
    """Return how the two paths of each switch agree after the same ticks, in words.

    States are compared bit by bit, pictures pixel by pixel. Ends early when interrupted.
    """
    said, runs = {}, Runs(interrupts)
    small = changed(config, {"agents.count": min(config.agents.count, 100)})
    for switch in SWITCHES:
        if interrupts.asked:
            break
        on_step(f"comparing both paths of {switch}")
        simulated = switch in ("parallel_agents", "simd")
        try:
            said[switch] = (_states_agree if simulated else _pictures_agree)(small, switch, runs)
        except KeyboardInterrupt:
            break
    return said


class Runs:
    """The last states and pictures of short runs; each configuration runs once, for all switches."""

    def __init__(self, interrupts: Interrupts) -> None:
        self._interrupts = interrupts
        self._states: dict[str, str] = {}
        self._pictures: dict[str, NDArray[np.float64]] = {}

    def state(self, config: Config) -> str:
        """Return the hash of the last state."""
        key = config.model_dump_json()
        if key not in self._states:
            with Engine(config, checkpoint_of(config)) as engine:
                engine.wait_ready(self._interrupts.check)
                engine.advance_to(_TICKS)
                self._states[key] = engine.state_hash()
        return self._states[key]

    def picture(self, config: Config) -> NDArray[np.float64]:
        """Return the last picture, [height, width, 3] from 0 to 255."""
        key = config.model_dump_json()
        if key not in self._pictures:
            length, outputs = RunLength(ticks=_TICKS), Outputs(Path("runs/impact"))
            with Session(config, length, outputs, headless=True, interrupts=self._interrupts) as session:
                session.viewer.labels_shown = False  # the heading shows the speed
                session.viewer.turn_deg_per_s = 0.0
                session.turn_frames()
                self._interrupts.check()  # a run that was cut short ends in another picture
                picture = session.scene.picture
                self._pictures[key] = pixels(picture_bytes(picture), picture.size).astype(float)
        return self._pictures[key]


def _states_agree(config: Config, switch: str, runs: Runs) -> str:
    """Compare the hashes of the last states.

    Actions are random for `simd`, which adds up networks' sums in another order.
    """
    if switch == "simd":
        config = changed(config, {"policy.checkpoint": "random", "workers.count": 0})
    elif config.workers.count in ("auto", 0):
        config = changed(config, {"workers.count": 2})
    on, off = (runs.state(_with_off(config, off)) for off in ((), (switch,)))
    return "states equal" if on == off else "STATES DIFFER"


def _pictures_agree(config: Config, switch: str, runs: Runs) -> str:
    """Compare the last pictures, of runs in lockstep; for `async_physics` one of them runs by the clock."""
    # The value alone: the density's scale follows the frames, whose number differs between the paths.
    budget = 2_000 if switch == "binned_crowd" else 0  # 0: there is no crowd
    still = {"render.width": 640, "render.height": 360, "heatmap.layer": "value"}
    config = changed(config, {**still, "lod.segment_budget": budget})
    lockstep = ("async_physics",) if switch != "async_physics" else ()
    on, off = (runs.picture(_with_off(config, (*lockstep, *off))) for off in ((), (switch,)))
    rmse = float(np.sqrt(((on - off) ** 2).mean()))
    if rmse == 0:
        return "pictures equal"
    return f"pictures alike (RMSE {rmse:.2f})" if rmse < _SEEN_RMSE else f"PICTURES DIFFER (RMSE {rmse:.2f})"


def as_json(found: Sequence[Variant], worths: Sequence[Worth]) -> dict[str, Any]:
    """Return all figures for JSON; unknown figures are null."""
    rows = [finite(asdict(each) | {"recommended": each.recommended}) for each in worths]
    return {"switches": rows, "variants": [asdict(each) for each in found]}


def _part(variant: Variant, section: str) -> list[float]:
    return [parts.get(section, 0.0) for parts in variant.parts]
