"""Captions of the picture: the heading, the cards beside it, and a notice of what a person just did."""

import math
import re
import time
from collections.abc import Callable

from valuescape.costs.card import critic_card, profile_card
from valuescape.render.overlay.cards import Card
from valuescape.render.overlay.labels import Annotations, Heading
from valuescape.run.training_card import said_of, training_card
from valuescape.run_state import RunState
from valuescape.sim.measuring.stats_cache import StatsCache
from valuescape.sim.worlds.systems.compose import systems_of

_NOTICE_S = 4.0
_HINT = "H: help"


def annotations(state: RunState, selection: tuple[Card, ...], notice: str) -> Annotations:
    """Return the captions of a run. selection: cards about what is selected."""
    if state.blind:
        cards: tuple[Card, ...] = (Card("viewer off", (("V", "draw again"), ("the simulation", "goes on"))),)
    elif state.settings.profile:
        critic = critic_card(state)
        cards = (*selection, *([critic] if critic else []), profile_card(state))
    else:
        cards = selection
    if not state.blind and (training := training_card(state)):
        cards = (*cards, training)
    return Annotations(heading(state), cards, notice)


def heading(state: RunState) -> Heading:
    """Return the heading: on the left world, policy and agents, on the right how the run goes.

    It says if not every trail is drawn one by one: a picture must not hide that.
    """
    return Heading(_what_runs(state), _how_it_goes(state))


_MINUS = re.compile(r"(?<![\w-])-(?=[\d.])")
"""A hyphen before a number; those of options and names stay."""


def _what_runs(state: RunState) -> tuple[str, ...]:
    config, world, checkpoint, thinned = state.config, state.world, state.checkpoint, state.thinned
    acting = "random actions" if world.action.dim else "no actions"
    policy = checkpoint.algorithm.upper() if checkpoint else acting
    processes = _count(state.workers, "worker process", "worker processes")
    if state.nodes:
        processes = _count(state.nodes, "node", "nodes")
    trained = f"{state.place.own_steps:,} steps" if state.place else ""
    if trained and state.training:
        trained += f", {said_of(state.training)}"
    lines = [
        " · ".join(filter(None, (_world(state), _goal(world.goal), "Valuescape"))),
        " · ".join(filter(None, (policy, trained, f"{config.agents.count:,} agents", processes))),
    ]
    if checkpoint and checkpoint.doubt:
        lines.append(_MINUS.sub("−", checkpoint.doubt))
    if thinned:
        ticks = "newest tick" if thinned.ticks < 2 else f"last {thinned.ticks:.0f} ticks"
        lines.append(f"{thinned.individuals:,} agents drawn one by one, the others' {ticks} as a crowd")
    return tuple(lines)


def _world(state: RunState) -> str:
    """Return the name of the world, with what plug-ins add to its steps: "mountain car with wind"."""
    added = " and ".join(_title(each.name) for each in systems_of(state.world))
    return _title(state.config.world.name) + (f" with {added}" if added else "")


def _how_it_goes(state: RunState) -> tuple[str, ...]:
    if state.blind:  # these lines are not written anew meanwhile: figures would stand still
        return ("viewer off",)
    lines, stats = [f"{_pace(state)} · tick {max(state.tick, 0):,}"], state.figures.episodes()
    if stats.finished:
        returns = f"{stats.mean_return:.1f}".replace("-", "−")
        lines.append(f"{_count(stats.finished, 'episode', 'episodes')} · mean return {returns}")
    if state.changing:
        lines.append(f"changing {state.changing} …")
    if state.computing:
        lines.append(f"computing {state.computing}")
    if state.restarts:
        lines.append(_count(state.restarts, "worker replaced", "workers replaced"))
    return tuple(lines)


def _pace(state: RunState) -> str:
    """Return the frame rate, or why there is none, after a lamp and a hint where they are needed."""
    drawn = f"{state.recent_fps:.0f} fps" if state.recent_fps else "running"
    running = "in step with frames" if state.lockstep else drawn
    said = "paused" if state.paused else running
    if state.noticed.lamp:
        said = f"● {state.noticed.lamp} (F3) · {said}"
    if not state.headless and not state.help_seen:
        said = f"{_HINT} · {said}"
    return said


def _title(name: str) -> str:
    """Return a world's name as it is read; an id of Gymnasium's stays as it is."""
    return name if ":" in name else name.replace("_", " ")


def _goal(goal: str) -> str:
    return f"goal: {goal}" if goal else ""


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}" if number else f"no {many}"


class Captions:
    """Keeps captions for `stats.captions_s`, as long as nothing calls for new ones, and notices for 4 s."""

    def __init__(self) -> None:
        self._stale = False
        self._notice = ""
        self._notice_until = -math.inf

    def refresh(self, notice: str = "", *, stays: bool = False) -> None:
        """Make new captions with the next frame.

        notice: what happened, shown for a few seconds. stays: it is shown until the next one.
        """
        self._stale = True
        if notice:
            self._notice = notice
            self._notice_until = math.inf if stays else time.monotonic() + _NOTICE_S

    def of(
        self, stats: StatsCache, look: Callable[[], RunState], selection: Callable[[], tuple[Card, ...]]
    ) -> Annotations:
        """Return the captions to show now. look, selection: give what new ones are about, if they are due."""
        return self._kept(stats, lambda: annotations(look(), selection(), self.notice))

    def _kept(self, stats: StatsCache, write: Callable[[], Annotations]) -> Annotations:
        """Return what `write` wrote last; it writes again if that is too old, or calls for new ones."""
        if self._stale:
            self._stale = False
            stats.forget("captions")
        return stats.get("captions", write)

    @property
    def notice(self) -> str:
        """The notice to show now; "" without one."""
        return self._notice if time.monotonic() < self._notice_until else ""
