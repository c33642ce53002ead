"""What each optimisation is worth on this machine, and that it changes nothing but the time it takes."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.formatting import finite
from valuescape.presets import find_checkpoint
from valuescape.render.displays.display import picture_bytes
from valuescape.render.displays.recorder import pixels
from valuescape.run.length import RunLength
from valuescape.run.outputs import Outputs
from valuescape.run.session import Session
from valuescape.sim.config.files import Config, changed
from valuescape.sim.config.sections import FeaturesConfig
from valuescape.sim.engine import Engine
from valuescape.sim.interrupts import Interrupts
from valuescape.sim.worlds import make_world
from valuescape.studies.confidence import Change

SWITCHES = tuple(FeaturesConfig.model_fields)

ALL_ON, ALL_OFF = "all on", "all off"

_SECTION = {
    "vectorized_heights": "place",
    "stats_cache": "statistics",
    "batched_trails": "trails",
    "instanced_agents": "trails",
    "async_physics": "engine",
    "parallel_agents": "engine",
    "trail_lod": "trails",
    "spatial_culling": "trails",
    "simd": "engine",
}
"""The section of a frame that a switch touches; the critic's field is made once, before the first frame."""

_CODE = {
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
}
"""Files that are there for a switch alone. The others are a few lines in files that serve both paths."""

_TICKS = 120

_SEEN_RMSE = 2.5
"""Of 255: how much a picture may change where only the method differs (tests/visual holds each to less)."""


@dataclass(slots=True)
class Variant:
    """One setting of the switches: figures of each time that it was measured."""

    name: str
    off: tuple[str, ...]
    fps: list[float] = field(default_factory=list)
    frame_ms_p95: list[float] = field(default_factory=list)
    parts: list[dict[str, float]] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Worth:
    """What a switch is worth: what changes when it is on.

    section: of a frame, that it touches; empty if none.
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
        """Whether it should be on here, as far as was measured."""
        if self.fps.mean > self.fps.reach:
            return "on"
        return "off" if self.fps.mean < -self.fps.reach else "no difference seen"


def variants() -> list[Variant]:
    """Return all that is measured."""
    alone = [Variant(f"{switch} off", (switch,)) for switch in SWITCHES]
    return [Variant(ALL_ON, ()), *alone, Variant(ALL_OFF, SWITCHES)]


def measure(
    config: Config,
    seconds: float,
    repeats: int,
    interrupts: Interrupts,
    on_step: Callable[[str], None] = lambda text: None,
    seed: int = 0,
) -> Iterator[list[Variant]]:
    """Yield what is known after each run; every repeat measures all variants, in an order of its own."""
    found, order = variants(), random.Random(seed)  # noqa: S311 - an order, no secret
    for repeat in range(repeats):
        shuffled = list(found)
        order.shuffle(shuffled)
        for variant in shuffled:
            if interrupts.asked:
                return
            on_step(f"{variant.name} ({repeat + 1} of {repeats})")
            try:
                _measure_variant(_with_off(config, variant.off), variant, seconds, interrupts)
            except KeyboardInterrupt:  # while a run starts
                return
            yield found


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
        if interrupts.asked:  # it was cut short, and says nothing
            return
        busy = np.array(session.log.busy_s[len(session.log.busy_s) // 5 :])
        variant.parts.append({part.name: part.ms for part in session.accounts.parts()})
        variant.memory_mb.append(session.engine.memory_bytes() / 1e6)
    variant.fps.append(float(1 / busy.mean()))
    variant.frame_ms_p95.append(float(np.percentile(busy, 95)) * 1e3)


def judge(found: Sequence[Variant], agreement: dict[str, str]) -> list[Worth]:
    """Return what each switch is worth, the most first. agreement: as `agreements` has found."""
    known = {variant.name: variant for variant in found}
    on = known[ALL_ON]
    rows = []
    for switch in SWITCHES:
        off = known[f"{switch} off"]
        if not (on.fps and off.fps):
            continue
        section = _SECTION.get(switch, "")
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
    """Return how many lines of code are there for a switch alone; 0 where it is a few among others."""
    root = Path(__file__).parents[1]
    paths = [path for name in _CODE.get(switch, ()) for path in _files(root / name)]
    return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in paths)


def _files(path: Path) -> list[Path]:
    return sorted(path.glob("*.py")) if path.is_dir() else [path]


def agreements(config: Config, interrupts: Interrupts, on_step: Callable[[str], None]) -> dict[str, str]:
    """Return how each switch's two paths agree after the same ticks: states bit by bit, pictures by pixel."""
    said, runs = {}, Runs(interrupts)
    small = changed(config, {"agents.count": min(config.agents.count, 100)})
    for switch in SWITCHES:
        if interrupts.asked:
            break
        on_step(f"does {switch} change anything?")
        simulated = switch in ("parallel_agents", "simd")
        try:
            said[switch] = (_states_agree if simulated else _pictures_agree)(small, switch, runs)
        except KeyboardInterrupt:
            break
    return said


class Runs:
    """What short runs ended in, each made once: most switches are compared with the same run."""

    def __init__(self, interrupts: Interrupts) -> None:
        self._interrupts = interrupts
        self._states: dict[str, str] = {}
        self._pictures: dict[str, NDArray[np.float64]] = {}

    def state(self, config: Config) -> str:
        """Return the hash of the state that a configuration's run ends in."""
        key = config.model_dump_json()
        if key not in self._states:
            checkpoint = find_checkpoint(config.policy.checkpoint, make_world(config.world.name, config))
            with Engine(config, checkpoint) as engine:
                engine.wait_ready(self._interrupts.check)
                engine.advance_to(_TICKS)
                self._states[key] = engine.state_hash()
        return self._states[key]

    def picture(self, config: Config) -> NDArray[np.float64]:
        """Return its last picture, [height, width, 3]."""
        key = config.model_dump_json()
        if key not in self._pictures:
            length, outputs = RunLength(ticks=_TICKS), Outputs(Path("runs/impact"))
            with Session(config, length, outputs, headless=True, interrupts=self._interrupts) as session:
                session.viewer.labels_shown = False  # the heading says how fast it was
                session.viewer.turn_deg_per_s = 0.0
                session.turn_frames()
                self._interrupts.check()  # cut short it would be another picture
                picture = session.scene.picture
                self._pictures[key] = pixels(picture_bytes(picture), picture.size).astype(float)
        return self._pictures[key]


def _states_agree(config: Config, switch: str, runs: Runs) -> str:
    """Compare the state's hash.

    Networks' sums are rounded in another order by `simd`: random actions there.
    """
    if switch == "simd":
        config = changed(config, {"policy.checkpoint": "random", "workers.count": 0})
    elif config.workers.count in ("auto", 0):
        config = changed(config, {"workers.count": 2})
    on, off = (runs.state(_with_off(config, off)) for off in ((), (switch,)))
    return "states equal" if on == off else "STATES DIFFER"


def _pictures_agree(config: Config, switch: str, runs: Runs) -> str:
    """Compare the last picture of both paths, in lockstep; `async_physics` against a run by the clock."""
    # Not the density: its scale follows every few frames, of which paths may make different numbers.
    still = {"render.width": 640, "render.height": 360, "lod.segment_budget": 0, "heatmap.layer": "value"}
    config = changed(config, still)
    lockstep = ("async_physics",) if switch != "async_physics" else ()
    on, off = (runs.picture(_with_off(config, (*lockstep, *off))) for off in ((), (switch,)))
    rmse = float(np.sqrt(((on - off) ** 2).mean()))
    if rmse == 0:
        return "pictures equal"
    return f"pictures alike (RMSE {rmse:.2f})" if rmse < _SEEN_RMSE else f"PICTURES DIFFER (RMSE {rmse:.2f})"


def as_json(found: Sequence[Variant], worths: Sequence[Worth]) -> dict[str, Any]:
    """Return all figures as they are written to JSON; what is not known is null."""
    rows = [finite(asdict(each) | {"recommended": each.recommended}) for each in worths]
    return {"switches": rows, "variants": [asdict(each) for each in found]}


def _part(variant: Variant, section: str) -> list[float]:
    return [parts.get(section, 0.0) for parts in variant.parts]
