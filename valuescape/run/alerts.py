"""What is noticed while a run goes on, in words, for the picture and for its report."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from valuescape.costs.alarms import (
    Alarm,
    ChangeWatch,
    Settings,
    figures_with_parts,
    parse_alarms,
    recent_figures,
)
from valuescape.presets import lighter_preset
from valuescape.sim.config.files import Config

if TYPE_CHECKING:
    from valuescape.run.session import Session

_AGAIN_S = 30.0
"""Seconds until the same is said again."""


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that was noticed, so many seconds after the first frame."""

    at_s: float
    said: str


def settings_of(session: "Session") -> Settings:
    """Return all that a person can change, as it is now."""
    viewer, budget = session.viewer, session.scene.trails.budget
    return Settings(
        viewer.looks,
        viewer.layer,
        viewer.trail_color,
        viewer.flat,
        viewer.labels_shown,
        viewer.help_shown,
        viewer.profile_shown,
        viewer.selected is not None,
        viewer.box is not None,
        session.pace.ticks_per_s,
        -1 if budget.follows else budget.segments,
        session.scene.picture.size,
        session.config,
    )


class Alerts:
    """Looks at a session after every frame.

    heard: all that was noticed. notes: what is to be said of the run now, in sentences.
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

    def begin_again(self) -> None:
        """Forget how the run stood: it is another now. What was heard stays."""
        self.ringing, self._said_at, self._last_tick = {}, {}, None
        self._slow = self._change = ""

    @property
    def notes(self) -> list[str]:
        """Sentences about what makes frames slow."""
        return [each for each in (self._slow, self._change) if each]

    @property
    def lamp(self) -> str:
        """What is wrong, in a word or two; "" while all is well."""
        names = ["slow"] * bool(self.notes) + ["alarm"] * any(self.ringing.values())
        return ", ".join(names)

    @property
    def lamps(self) -> list[tuple[str, bool | None]]:
        """Each alarm, and whether all is well; None before the first look."""
        return [(str(alarm), not self.ringing[alarm] if self.ringing else None) for alarm in self.alarms]

    def look(self, session: "Session") -> str:
        """Take the last frame; return what there is to say, or ""."""
        if session.viewer.blind or session.lockstep:  # frames take their time there
            return ""
        log = session.log
        health = session.config.health
        now, began = log.frame_ends[-1], log.frame_ends[0]
        said = [self._look_at_changes(session, log.busy_s[-1] * 1000, now)]
        if now - began > health.warmup_s and now - self._looked_at >= session.config.stats.health_s:
            self._looked_at = now
            said += self._look_at_figures(session, now)
        news = [each for each in said if each]
        self._first_frame = self._first_frame or began
        self.heard += [Alert(round(now - self._first_frame, 1), each) for each in news]
        return "\n".join(news)

    def _look_at_changes(self, session: "Session", busy_ms: float, now: float) -> str:
        said = self._changes.look(settings_of(session), busy_ms)
        if said or now > self._change_until:
            self._change, self._change_until = said, now + _AGAIN_S
        return said

    def _look_at_figures(self, session: "Session", now: float) -> list[str]:
        figures = recent_figures(session.log, now)
        if self.alarms:
            figures = self._all_figures(session, figures, now)
        self._slow = self._slowness(session, figures)
        said = [self._with_advice(session)] if self._slow and self._is_news("slow", now) else []
        self.ringing = {alarm: alarm.rings(figures) for alarm in self.alarms}
        for alarm, rings in self.ringing.items():
            if rings and self._is_news(str(alarm), now):
                said.append(f"alarm: {alarm} ({figures[alarm.figure]:.4g})")
        return said

    def _all_figures(self, session: "Session", figures: dict[str, float], now: float) -> dict[str, float]:
        accounts = session.accounts
        last, self._last_tick = self._last_tick, (now, session.newest_tick)
        if last and now > last[0] and not session.pace.paused:
            figures["ticks_per_s"] = (session.newest_tick - last[1]) / (now - last[0])
        figures["restarts"] = float(session.engine.restarts)
        figures["mean_return"] = accounts.episodes(session.stage).mean_return
        return figures_with_parts(figures, accounts.parts())

    def _slowness(self, session: "Session", figures: dict[str, float]) -> str:
        config, fps = session.config, figures.get("fps", math.inf)
        bound = min(config.health.slow_below_fps, 0.9 * (config.render.max_fps or math.inf))
        if fps >= bound:
            return ""
        lighter = lighter_preset(config)
        hint = f"; preset {lighter} asks less of this machine: valuescape run {lighter}" if lighter else ""
        return f"{fps:.1f} FPS, below {bound:g}{hint}"

    def _with_advice(self, session: "Session") -> str:
        advice = session.accounts.advice(session.accounts.parts(), session.stage, session.viewer)
        return f"{self._slow}\n{advice.sentence}" if advice else self._slow

    def _is_news(self, what: str, now: float) -> bool:
        """Whether this has not been said lately; it is said now."""
        if now - self._said_at.get(what, -_AGAIN_S) < _AGAIN_S:
            return False
        self._said_at[what] = now
        return True
