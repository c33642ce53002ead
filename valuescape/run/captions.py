"""What is said in the picture: how the run stands, what a frame cost, what happened just now."""

import math
import time
from collections.abc import Sequence
from statistics import median
from typing import TYPE_CHECKING

from valuescape.gpu.frame_meter import FrameMeter
from valuescape.render.overlay.cards import Card
from valuescape.render.overlay.labels import Annotations, Heading
from valuescape.render.scene.trails import Thinned
from valuescape.sim.engine import Engine, EpisodeStats
from valuescape.sim.measuring.health import RunLog
from valuescape.sim.measuring.health import rate as rate_of
from valuescape.sim.policy.network import Checkpoint

if TYPE_CHECKING:
    from valuescape.run.session import Session

_NOTICE_S = 4.0
_PARTS = 7
_RECENT = 60  # frames that the rate is of
_HINT = "H: help"


def heading(
    engine: Engine,
    checkpoint: Checkpoint | None,
    state: str,
    tick: int,
    stats: EpisodeStats,
    thinned: Thinned | None,
) -> Heading:
    """Return what is shown (world, policy, crowd) and how it runs (`state`, tick, `stats`: episodes so far).

    thinned: what of the trails is not drawn one by one, if anything: a picture must not hide that.
    """
    config = engine.config
    acting = "random actions" if engine.world.action.dim else "no actions"
    policy = checkpoint.algorithm.upper() if checkpoint else acting
    title = " · ".join(filter(None, (_title(config.world.name), _goal(engine.world.goal), "Valuescape")))
    processes = _count(engine.workers, "worker process", "worker processes")
    what: tuple[str, ...] = (title, f"{policy} · {config.agents.count:,} agents · {processes}")
    if checkpoint and checkpoint.doubt:
        what = (*what, f"seems not to fit this world: {checkpoint.doubt}".replace("-", "−"))
    how: tuple[str, ...] = (f"{state} · tick {max(tick, 0):,}",)
    if stats.finished:
        returns = f"{stats.mean_return:.1f}".replace("-", "−")
        how = (*how, f"{_count(stats.finished, 'episode', 'episodes')} · mean return {returns}")
    if engine.restarts:
        how = (*how, _count(engine.restarts, "worker replaced", "workers replaced"))
    if thinned:
        ticks = "newest tick" if thinned.ticks < 2 else f"last {thinned.ticks:.0f} ticks"
        what = (*what, f"{thinned.individuals:,} agents drawn one by one, the others' {ticks} as a crowd")
    return Heading(what, how)


def _title(name: str) -> str:
    """Return a world's name as it is read; an id of Gymnasium's stays as it is."""
    return name if ":" in name else name.replace("_", " ")


def _goal(goal: str) -> str:
    return f"goal: {goal}" if goal else ""


def profile_card(
    log: RunLog,
    meter: FrameMeter,
    busy_ms: Sequence[float],
    may_take_ms: float,
    *,
    parts: Sequence[tuple[str, float]] = (),
    lamps: Sequence[tuple[str, bool | None]] = (),
    loads: Sequence[float] = (),
    thinned: int = 0,
    restarts: int = 0,
    cached: float = math.nan,
    advice: str = "",
) -> Card:
    """Return what frames cost lately. busy_ms: the last frames', newest last; may_take_ms: as asked for.

    parts: sections and their ms, the longest first. lamps: health limits, and whether each is kept. thinned:
    trail segments that are there and not drawn. cached: share of looks at statistics that computed nothing.
    """
    segments = f"{log.segments[-1]:,}" if log.segments else "–"
    rate, ends = rate_of(log.first_tick, log.last_tick), log.frame_ends[-_RECENT:]
    fps = (len(ends) - 1) / (ends[-1] - ends[0]) if len(ends) > 1 else math.nan
    rows = [
        ("frames a second", "–" if math.isnan(fps) else f"{fps:.1f}"),
        ("median (ms)", f"{median(busy_ms):.1f} of {may_take_ms:.1f}" if busy_ms else "–"),
        ("draw calls, queries", f"{meter.draw_calls}, {meter.queries}"),
        ("dispatches, effects", f"{meter.dispatches}, {meter.effects}"),
        ("segments, thinned", f"{segments}, {thinned:,}"),
        ("uploaded", f"{meter.upload_bytes / 1024:,.0f} KiB"),
        ("ticks/s", "–" if math.isnan(rate) else f"{rate:,.0f}"),
    ]
    if not math.isnan(cached):
        rows.append(("statistics cached", f"{cached:.1%}"))
    if loads:
        rows.append(("workers at work", ", ".join(f"{load:.1%}" for load in loads)))
    if restarts:
        rows.append(("workers replaced", f"{restarts}"))
    return Card("frame time", tuple(rows), tuple(busy_ms), may_take_ms, _largest(parts), tuple(lamps), advice)


def _largest(parts: Sequence[tuple[str, float]]) -> tuple[tuple[str, float], ...]:
    """Return the largest parts, and the sum of all others."""
    rest = sum(ms for _, ms in parts[_PARTS:])
    return (*parts[:_PARTS], ("all else", rest)) if len(parts) > _PARTS else tuple(parts)


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}" if number else f"no {many}"


class Captions:
    """What is said of a session at the moment: as old as `stats.captions_s` allows, faster can't be read."""

    def __init__(self) -> None:
        self._stale = False
        self._notice = ""
        self._notice_until = -math.inf

    def refresh(self, notice: str = "") -> None:
        """Say it anew with the next frame. notice: what happened, to be read for a few seconds."""
        self._stale = True
        if notice:
            self._notice, self._notice_until = notice, time.monotonic() + _NOTICE_S

    def of(self, session: "Session") -> Annotations:
        """Return what is to be said now."""
        stats = session.accounts.stats
        if self._stale:
            self._stale = False
            stats.forget("captions")
        return stats.get("captions", lambda: self._say(session))

    def _say(self, session: "Session") -> Annotations:
        return Annotations(self._heading(session), _cards(session), self._current_notice())

    def _heading(self, session: "Session") -> Heading:
        accounts, stage = session.accounts, session.stage
        running = "in step with frames" if session.lockstep else f"{accounts.recent_fps:.0f} fps"
        state = "paused" if session.pace.paused else running
        episodes, thinned = accounts.episodes(stage), session.scene.trails.thinned
        if lamp := session.alerts.lamp:
            state = f"● {lamp} (F3) · {state}"
        if not session.headless and not session.viewer.help_seen:
            state = f"{_HINT} · {state}"
        return heading(session.engine, stage.checkpoint, state, session.newest_tick, episodes, thinned)

    def _current_notice(self) -> str:
        return self._notice if time.monotonic() < self._notice_until else ""


def _cards(session: "Session") -> tuple[Card, ...]:
    if session.viewer.blind:
        return (Card("viewer off", (("V", "draw again"), ("the simulation", "goes on"))),)
    cards, alerts = session.inspection.cards(session.viewer), session.alerts
    return (
        (*cards, session.accounts.card(session.stage, session.viewer, alerts.lamps, alerts.notes))
        if session.viewer.profile_shown
        else cards
    )
