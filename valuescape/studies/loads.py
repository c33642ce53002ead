"""Loads for stress tests, and trials of the whole program under them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import moderngl

from valuescape.costs.advice import advise
from valuescape.run.length import RunLength
from valuescape.run.outputs import Outputs
from valuescape.run.session import Session
from valuescape.sim.config.files import Config, changed
from valuescape.sim.crew.failures import WorkerFailedError
from valuescape.sim.errors import UsageError, first_line
from valuescape.sim.interrupts import Interrupts
from valuescape.sim.measuring.health import limits, measures
from valuescape.studies.breaking_point import Trial

LOADS: dict[str, tuple[str, int]] = {
    "agents": ("agents.count", 4_000_000),
    "trails": ("trails.length", 4096),
    "field": ("heatmap.resolution", 2048),
    "ticks": ("sim.ticks_per_s", 1_000_000),
}
"""Kinds of load: the setting, and the greatest value it takes."""


@dataclass(frozen=True, slots=True)
class Load:
    """One kind of load, or several together.

    An amount is the setting's value; of several kinds, a percentage of the configuration's values. Raises
    UsageError for names that LOADS does not have.
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
        """The unit of an amount, as it follows the number."""
        *others, last = self.names
        return f"% of {', '.join(others)} and {last}" if others else last

    def start(self, config: Config) -> int:
        """Return the configuration's own amount."""
        return self._own(config, self.names[0]) if len(self.names) == 1 else 100

    def require(self, config: Config) -> None:
        """Raise UsageError if a configuration has no value to increase."""
        if "ticks" in self.names and len(self.names) > 1 and not config.sim.ticks_per_s:
            raise UsageError(
                "sim.ticks_per_s = 0: there is no more than all it can",
                "leave ticks out of --load, or say how many: --set sim.ticks_per_s=60",
            )

    def most(self, config: Config) -> int:
        """Return the greatest amount that all of its settings take."""
        if len(self.names) == 1:
            return LOADS[self.names[0]][1]
        return min(LOADS[name][1] * 100 // self._own(config, name) for name in self.names)

    def settings(self, config: Config, amount: int) -> dict[str, Any]:
        """Return the settings (`section.key`: value) of an amount."""
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
"""Least share of `sim.ticks_per_s` that the simulation has to reach."""


def try_session(config: Config, load: Load, amount: int, seconds: float, interrupts: Interrupts) -> Trial:
    """Run the whole program headless under a load, and compare its figures with the health limits.

    amount: of the load. seconds: of the run, after a warm-up. The limit on memory is left out, since growth
    shows after minutes. A simulation that falls behind its clock counts as broken, and so does a load that
    cannot be run on this machine.
    """
    try:
        return _try_session(config, load, amount, seconds, interrupts)
    except (UsageError, WorkerFailedError, MemoryError, RuntimeError, moderngl.Error) as error:
        return Trial(amount, (f"cannot be run: {first_line(error)}",))


def _try_session(config: Config, load: Load, amount: int, seconds: float, interrupts: Interrupts) -> Trial:
    warmup = min(0.3 * seconds, 2.0)
    changes = load.settings(config, amount) | {"run.record": False, "health.warmup_s": warmup}
    config = changed(config, changes)
    length, outputs = RunLength(seconds=seconds + warmup), Outputs(Path("runs/stress"))
    with Session(config, length, outputs, headless=True, interrupts=interrupts) as session:
        session.turn_frames()
        figures = measures(session.log, config.health)
        state = session.state()
        parts = state.figures.parts()
        advice = advise(parts, state.may_take_ms, state)
    whole = sum(part.ms for part in parts)
    return Trial(
        amount,
        tuple(_broken(figures, config)),
        figures["fps_mean"],
        figures["frame_ms_p95"],
        figures["ticks_per_s"],
        f"{parts[0].name} {parts[0].ms / whole:.0%}" if parts and whole else "",
        advice.sentence if advice else "",
    )


def _broken(figures: dict[str, float], config: Config) -> Iterator[str]:
    """Yield the limits that a run broke, in words."""
    for each in limits(figures, config.health):
        if each.name != "memory" and each.value >= each.below:
            yield f"{each.title} {each.value:.3g}, limit {each.below:g}"
    asked, made = config.sim.ticks_per_s, figures["ticks_per_s"]
    if asked and made < KEEPS_UP * asked:
        yield f"the simulation makes {made:,.0f} of {asked:,.0f} ticks/s"
