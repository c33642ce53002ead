"""Loads, and what the program comes to under one."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import moderngl

from valuescape.run.length import RunLength
from valuescape.run.outputs import Outputs
from valuescape.run.session import Session
from valuescape.sim.config.files import Config, changed
from valuescape.sim.crew.failures import WorkerFailedError
from valuescape.sim.errors import UsageError
from valuescape.sim.interrupts import Interrupts
from valuescape.sim.measuring.health import limits, measures
from valuescape.studies.breaking_point import Trial

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
