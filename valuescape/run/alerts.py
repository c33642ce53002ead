"""Alerts of a run: slow frames, changes that made frames slower, and alarms, as sentences."""

import math
import time

from valuescape.costs.advice import advise
from valuescape.costs.alarms import Alarm, ChangeWatch, figures_with_parts, parse_alarms, recent_figures
from valuescape.presets import lighter_preset
from valuescape.run_state import Alert, Noticed, RunState
from valuescape.sim.config.files import Config
from valuescape.sim.measuring.health import RunLog

_AGAIN_S = 30.0
"""Seconds until the same alert is given again."""


class Alerts:
    """Judges a run after every frame.

    heard: all alerts so far. alarms: those of `health.alarms`; ringing: whether each rings, empty before the
    first look.
    """

    def __init__(self, config: Config) -> None:
        self.heard: list[Alert] = []
        self.alarms = parse_alarms(config.health.alarms)
        self.ringing: dict[Alarm, bool] = {}
        self._changes = ChangeWatch()
        self._said_at: dict[str, float] = {}
        self._looked_at = self._first_frame = 0.0
        self._last_tick: tuple[float, int] | None = None
        self._slow = ""
        self._change, self._change_until = "", 0.0

    def begin_again(self, config: Config) -> None:
        """Forget how the run stands, because another begins; what was heard stays. config: its own."""
        self.alarms = parse_alarms(config.health.alarms)
        self.ringing, self._said_at, self._last_tick = {}, {}, None
        self._slow = self._change = ""

    @property
    def notes(self) -> list[str]:
        """Sentences about what makes frames slow."""
        return [each for each in (self._slow, self._change) if each]

    @property
    def lamp(self) -> str:
        """The trouble in a word or two; "" while all is well."""
        names = ["slow"] * bool(self.notes) + ["alarm"] * any(self.ringing.values())
        return ", ".join(names)

    @property
    def lamps(self) -> list[tuple[str, bool | None]]:
        """Each alarm, and whether it is silent; None before the first look."""
        return [(str(alarm), not self.ringing[alarm] if self.ringing else None) for alarm in self.alarms]

    @property
    def noticed(self) -> Noticed:
        """All of this as one value."""
        return Noticed(tuple(self.heard), tuple(self.notes), self.lamp, tuple(self.lamps))

    def hear(self, said: str, log: RunLog) -> None:
        """Note an alarm that somebody else raises, unless it was heard lately. log: of the run's frames."""
        now = time.monotonic()
        if self._is_news(said, now):
            began = log.frame_ends[0] if log.frame_ends else now
            self.heard.append(Alert(round(now - began, 1), said))

    def look(self, state: RunState) -> bool:
        """Judge the last frame; return whether there is a new alert.

        Frames without a picture and frames in lockstep are not judged: they may take their time.
        """
        if state.blind or state.lockstep:
            return False
        log, health = state.log, state.config.health
        now, began = log.frame_ends[-1], log.frame_ends[0]
        said = [self._look_at_changes(state, log.busy_s[-1] * 1000, now)]
        if now - began > health.warmup_s and now - self._looked_at >= state.config.stats.health_s:
            self._looked_at = now
            said += self._look_at_figures(state, now)
        news = [each for each in said if each]
        self._first_frame = self._first_frame or began
        self.heard += [Alert(round(now - self._first_frame, 1), each) for each in news]
        return bool(news)

    def _look_at_changes(self, state: RunState, busy_ms: float, now: float) -> str:
        said = self._changes.look(state.settings, busy_ms)
        if said or now > self._change_until:
            self._change, self._change_until = said, now + _AGAIN_S
        return said

    def _look_at_figures(self, state: RunState, now: float) -> list[str]:
        figures = recent_figures(state.log, now)
        if self.alarms:
            figures = self._all_figures(state, figures, now)
        self._slow = _slowness(state.config, figures.get("fps", math.inf))
        said = [self._with_advice(state)] if self._slow and self._is_news("slow", now) else []
        self.ringing = {alarm: alarm.rings(figures) for alarm in self.alarms}
        for alarm, rings in self.ringing.items():
            if rings and self._is_news(str(alarm), now):
                said.append(f"alarm: {alarm} ({figures[alarm.figure]:.4g})")
        return said

    def _all_figures(self, state: RunState, figures: dict[str, float], now: float) -> dict[str, float]:
        last, self._last_tick = self._last_tick, (now, state.tick)
        if last and now > last[0] and not state.paused:
            figures["ticks_per_s"] = (state.tick - last[1]) / (now - last[0])
        figures["restarts"] = float(state.restarts)
        figures["mean_return"] = state.figures.episodes().mean_return
        return figures_with_parts(figures, state.figures.parts())

    def _with_advice(self, state: RunState) -> str:
        advice = advise(state.figures.parts(), state.may_take_ms, state)
        return f"{self._slow}\n{advice.sentence}" if advice else self._slow

    def _is_news(self, what: str, now: float) -> bool:
        """Return whether this was not said lately, and remember that it is said now."""
        if now - self._said_at.get(what, -_AGAIN_S) < _AGAIN_S:
            return False
        self._said_at[what] = now
        return True


def _slowness(config: Config, fps: float) -> str:
    """Return a sentence if so many frames a second are too few; else ""."""
    bound = min(config.health.slow_below_fps, 0.9 * (config.render.max_fps or math.inf))
    if fps >= bound:
        return ""
    lighter = lighter_preset(config)
    hint = f"; preset {lighter} asks less of this machine: valuescape run {lighter}" if lighter else ""
    return f"{fps:.1f} FPS, below {bound:g}{hint}"
