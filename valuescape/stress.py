"""Until it breaks: more and more load, then between what was carried and what was not."""

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import moderngl

from sim.config import Config, changed
from sim.errors import UsageError
from sim.health import limits, measures
from sim.interrupts import Interrupts
from sim.supervisor import WorkerFailedError
from valuescape.figures import finite
from valuescape.length import RunLength
from valuescape.results import Outputs
from valuescape.session import Session

LOADS: dict[str, tuple[str, int]] = {
    "agents": ("agents.count", 4_000_000),
    "trails": ("trails.length", 4096),
    "field": ("heatmap.resolution", 2048),
    "ticks": ("sim.ticks_per_s", 1_000_000),
}
"""What can be made more of: its setting, and the most that it takes."""


@dataclass(frozen=True, slots=True)
class Load:
    """What there is more and more of; of several kinds at once, the percentage of what the config has.

    Raises UsageError for names that LOADS does not have.
    """

    names: tuple[str, ...]

    def __post_init__(self) -> None:
        for name in self.names:
            if name not in LOADS:
                raise UsageError(f"--load {name}: expected {', '.join(LOADS)}, or several with commas")

    @classmethod
    def read(cls, text: str) -> Self:
        """Read `agents` or `agents,trails`."""
        return cls(tuple(dict.fromkeys(part.strip() for part in text.split(","))))

    @property
    def unit(self) -> str:
        """What an amount is of, as it comes after the number."""
        *others, last = self.names
        return f"% of {', '.join(others)} and {last}" if others else last

    def start(self, config: Config) -> int:
        """Return the amount that a configuration has."""
        return self._own(config, self.names[0]) if len(self.names) == 1 else 100

    def require(self, config: Config) -> None:
        """Raise UsageError if a configuration has nothing that there could be more of."""
        if "ticks" in self.names and len(self.names) > 1 and not config.sim.ticks_per_s:
            raise UsageError(
                "sim.ticks_per_s = 0: there is no more than all it can",
                "leave ticks out of --load, or say how many: --set sim.ticks_per_s=60",
            )

    def most(self, config: Config) -> int:
        """Return the greatest amount that all settings take."""
        if len(self.names) == 1:
            return LOADS[self.names[0]][1]
        return min(LOADS[name][1] * 100 // self._own(config, name) for name in self.names)

    def settings(self, config: Config, amount: int) -> dict[str, Any]:
        """Return the settings (`section.key`: value) of so much load."""
        found: dict[str, Any] = {}
        for name in self.names:
            setting, most = LOADS[name]
            value = amount if len(self.names) == 1 else round(self._own(config, name) * amount / 100)
            value = min(max(value, 1), most)
            found[setting] = float(value) if setting == "sim.ticks_per_s" else value
        return found

    @staticmethod
    def _own(config: Config, name: str) -> int:
        section, _, key = LOADS[name][0].partition(".")
        return max(int(getattr(getattr(config, section), key)), 1)


KEEPS_UP = 0.9
"""Share of the ticks asked for that have to be made."""

CLOSE = 0.1
"""The breaking point is found within this share of it."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One load, and what it came to. broken: what broke, in words; empty if the load was carried.

    dominated: the longest section of a frame, and its share. advice: what to turn, if frames took too long.
    """

    load: int
    broken: tuple[str, ...] = ()
    fps: float = math.nan
    frame_ms_p95: float = math.nan
    ticks_per_s: float = math.nan
    dominated: str = ""
    advice: str = ""


@dataclass(slots=True)
class Search:
    """All trials, and the greatest load that was carried and the least that broke; None if there was none."""

    trials: list[Trial] = field(default_factory=list)

    @property
    def carried(self) -> Trial | None:
        """The greatest load below the least that broke."""
        limit = self.broke.load if self.broke else math.inf
        well = [each for each in self.trials if not each.broken and each.load < limit]
        return max(well, key=lambda each: each.load, default=None)

    @property
    def broke(self) -> Trial | None:
        """The least load that broke something."""
        return min((each for each in self.trials if each.broken), key=lambda each: each.load, default=None)


def trials_left(found: Search) -> int | None:
    """Return about how many trials are left; None while nothing has broken yet."""
    if found.broke is None:
        return None
    broke, carried = found.broke.load, found.carried.load if found.carried else 0
    return max(math.ceil(math.log2(max((broke - carried) / max(CLOSE * broke, 1), 1))), 0)


def confirmed(try_load: Callable[[int, Search], Trial]) -> Callable[[int, Search], Trial]:
    """Return the same, but what breaks is tried once more: machines have hiccups."""

    def try_twice(load: int, found: Search) -> Trial:
        trial = try_load(load, found)
        if not trial.broken:
            return trial
        again = try_load(load, found)
        return trial if again.broken else again

    return try_twice


def search(
    try_load: Callable[[int, Search], Trial],
    start: int,
    most: int,
    stop: Callable[[], bool] = lambda: False,
) -> Search:
    """Double the load from `start` until something breaks or there is no more, then halve the gap in between.

    Ends within CLOSE of the breaking point. try_load: is given the load, and what is known so far. stop:
    asked after every trial, which was then cut short and is left out; the search ends with what is known.
    """
    found = Search()
    load: int | None = start
    with suppress(KeyboardInterrupt):  # as it is raised while a run starts: the others are kept
        while load is not None:
            trial = try_load(load, found)
            if stop():
                break
            found.trials.append(trial)
            load = _next(found, most)
    return found


def _next(found: Search, most: int) -> int | None:
    """Return the load to try next; None when there is none, or the breaking point is known well enough."""
    if found.broke is not None:
        return _between(found)
    last = found.trials[-1].load
    return min(2 * last, most) if last < most else None


def _between(found: Search) -> int | None:
    """Return the load in the middle of the gap; None when the gap is small enough."""
    broke, carried = found.broke, found.carried
    if broke is None or broke.load <= 1:
        return None
    low = carried.load if carried else 0
    if broke.load - low <= max(CLOSE * broke.load, 1):
        return None
    return (low + broke.load) // 2


def try_session(config: Config, load: Load, amount: int, seconds: float, interrupts: Interrupts) -> Trial:
    """Run the whole program with so much load, headless, and hold it against the health limits.

    Memory needs minutes to tell and is left out. That the simulation falls behind its clock counts as broken,
    and so does a load that this machine cannot run at all.
    """
    try:
        return _try_session(config, load, amount, seconds, interrupts)
    except (UsageError, WorkerFailedError, MemoryError, RuntimeError, moderngl.Error) as error:
        return Trial(amount, (f"cannot be run: {str(error).splitlines()[0]}",))


def _try_session(config: Config, load: Load, amount: int, seconds: float, interrupts: Interrupts) -> Trial:
    warmup = min(0.3 * seconds, 2.0)
    changes = load.settings(config, amount) | {"run.record": False, "health.warmup_s": warmup}
    config = changed(config, changes)
    length, outputs = RunLength(seconds=seconds + warmup), Outputs(Path("runs/stress"))
    with Session(config, length, outputs, headless=True, interrupts=interrupts) as session:
        session.turn_frames()
        figures = measures(session.log, config.health)
        parts = session.accounts.parts()
        advice = session.accounts.advice(parts, session.stage, session.viewer)
    told = [each for each in limits(figures, config.health) if each.name != "memory"]
    broken = [each for each in told if each.value >= each.below]
    said = [f"{each.title} {each.value:.3g}, limit {each.below:g}" for each in broken]
    asked, made = config.sim.ticks_per_s, figures["ticks_per_s"]
    if asked and made < KEEPS_UP * asked:
        said.append(f"the simulation makes {made:,.0f} of {asked:,.0f} ticks/s")
    whole = sum(part.ms for part in parts)
    return Trial(
        amount,
        tuple(said),
        figures["fps_mean"],
        figures["frame_ms_p95"],
        made,
        f"{parts[0].name} {parts[0].ms / whole:.0%}" if parts and whole else "",
        advice.sentence if advice else "",
    )


def verdict(found: Search, load: str) -> list[str]:
    """Return what the search came to, in sentences."""
    carried, broke = found.carried, found.broke
    if broke is None:
        return [f"Nothing broke up to {carried.load:,} {load}." if carried else "Nothing was measured."]
    lines = [f"With {broke.load:,} {load} it breaks: {'; '.join(broke.broken)}."]
    if carried:
        lines.insert(
            0,
            f"{carried.load:,} {load} are carried: {carried.fps:.0f} FPS, P95 {carried.frame_ms_p95:.1f} ms.",
        )
    if broke.dominated:
        lines.append(f"Longest in a frame then: {broke.dominated}.")
    if broke.advice:
        lines.append(broke.advice + ".")
    return lines


def as_json(found: Search, load: str) -> dict[str, Any]:
    """Return the search as it is written to JSON; what is not known is null."""
    trials = [finite(asdict(each)) for each in sorted(found.trials, key=lambda each: each.load)]
    carried, broke = found.carried, found.broke
    return {
        "load": load,
        "carried": carried.load if carried else None,
        "broke": broke.load if broke else None,
        "trials": trials,
    }
