"""A run of two configurations side by side: the same tick, one view, one scale for each quantity."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from valuescape.provenance.containers import as_text
from valuescape.provenance.contents import Provenance
from valuescape.render.displays.display import Display
from valuescape.render.overlay.labels import Annotations
from valuescape.render.scene.pair import ScenePair
from valuescape.render.view.changes import Change
from valuescape.render.view.viewer import Viewer
from valuescape.run.applying import Changing
from valuescape.run.finish import finish
from valuescape.run.inspection import Inspection
from valuescape.run.length import RunLength
from valuescape.run.look import RunKind
from valuescape.run.outputs import Outputs, RunResult
from valuescape.run.pace import Pace
from valuescape.run.restarting import restart
from valuescape.run.session import Session
from valuescape.run.side import Side
from valuescape.run.stage import Stage
from valuescape.run.starting import start_engine
from valuescape.run.validate import validate
from valuescape.run.versus.asking import is_of_the_pair, require_pair
from valuescape.run.versus.captions import PairCaptions, PairState
from valuescape.run.versus.inspection import PairedInspection
from valuescape.run.versus.origin import pair_origin
from valuescape.run.versus.pace import PairedPace
from valuescape.run.versus.results import about_pair, gains
from valuescape.run.versus.side import OtherSide
from valuescape.run.versus.workers import divided
from valuescape.run_state import RunState
from valuescape.sim.config.files import Config, changed
from valuescape.sim.config.model import LIVE
from valuescape.sim.errors import UsageError
from valuescape.sim.plugins.widgets import Section
from valuescape.sim.policy.network import Checkpoint

_ONE_SIDED = frozenset({"heatmap.slice", "policy.exploration", "policy.steps", "policy.checkpoint"})
_ONE_SIDED_SECTIONS = frozenset({"agents", "workers", "world"})
"""Live settings that act on the chosen side; all others act on both."""


@dataclass(slots=True)
class OneSide:
    """One side of an A/B run, as far as its settings are read."""

    stage: Stage
    viewer: Viewer
    pace: Pace


class VersusSession(Session):
    """A run of side A, as `Session` makes one, with side B at the right of its picture.

    Both start alike, with one seed, and are always shown at the same tick. Settings of the look and the pace
    act on both, those of a run on the side that is chosen (`Viewer.side`).
    """

    other: OtherSide
    sides = 2

    def __init__(
        self, config: Config, second: Config, length: RunLength, outputs: Outputs, **how: Any
    ) -> None:
        """Start everything. second: the configuration of side B. how: as for `Session`."""
        require_pair(config, second)
        self._second = divided(second)
        super().__init__(divided(config), length, outputs, **how)

    def _open(self, display: Display | None, panel: bool) -> None:
        self.captions = PairCaptions(self._look_at_both)
        super()._open(display, panel)
        self._pair_up()

    def make_stage(
        self, config: Config, checkpoint: Checkpoint | None, hint: str, behind: Any = None
    ) -> Stage:
        """Return the stage of side A, after making that of side B beside it."""
        stage = super().make_stage(config, checkpoint, hint, behind)
        try:
            self._coming = self._make_other(stage, hint, behind)
        except BaseException:
            stage.release()
            raise
        if not hasattr(self, "other"):  # the first one
            self.other = self._coming
            self._owned.callback(lambda: self.other.release())
        return stage

    def _make_other(self, beside: Stage, hint: str, behind: Any) -> OtherSide:
        checkpoint = validate(self._second)
        with self.screen.start(self._second, self._interrupts, hint, behind) as start:
            engine = start_engine(self._second, checkpoint, start)
            stage = Stage(engine, checkpoint, self.display, self.meter, start, beside)
        return OtherSide(stage)

    def _inspect(self, stage: Stage) -> Inspection:
        return PairedInspection(stage, self._coming.inspection)

    def _new_pace(self) -> Pace:
        render = self.config.render
        frames_per_s = render.video_fps if self.recorder else render.max_fps or 60.0
        engines = self.engine, self._coming.stage.engine
        return PairedPace(engines, self.length, lockstep=self.lockstep, frames_per_s=frames_per_s)

    def _pair_up(self) -> None:
        """Show both stages side by side."""
        self.other = self._coming
        self.other.measure(self.meter, lockstep=self.lockstep)
        self._pair = ScenePair(self.scene, self.other.stage.scene, self.meter)
        self.viewer.versus = True
        self.other.mirror(self.viewer)

    def _begun_with(self) -> Sequence[Config]:
        return self.config, self._second

    def _share_colors(self) -> None:
        """Offer the colours of trails that both sides have, whatever was made anew."""
        viewer, colors = self.viewer, self.other.stage.trail_colors
        viewer.trail_colors = [each for each in self.stage.trail_colors if each in colors]
        if viewer.trail_color not in viewer.trail_colors:
            viewer.trail_color = "age"

    def restart(self, changes: dict[str, Any]) -> str:
        """Begin both sides anew, so that they start alike, with some settings of the chosen side changed.

        Settings that act on both sides while they run change on both. Returns why it could not be done; "" if
        it was.
        """
        both = {name: value for name, value in changes.items() if name == "run.seed" or _is_of_both(name)}
        first, second = (changes, both) if self.viewer.side == 0 else (both, changes)
        before = self._second
        try:
            self._second = changed(self.other.stage.config, second)
            require_pair(self.config, self._second)
        except UsageError as error:
            self._second = before
            self.captions.refresh(str(error))
            return str(error)
        return restart(self, first)

    def replace_stage(self, stage: Stage) -> None:
        """Free both stages and go on with others, measured anew."""
        before = self.other
        super().replace_stage(stage)
        before.release()
        self._pair_up()

    def measure_anew(self) -> None:
        """Forget frame times of both sides, and held keys."""
        super().measure_anew()
        self.other.ledger.begin_again(self.other.stage)

    def other_state(self) -> RunState:
        """Return the state of side B at this moment."""
        kind = RunKind(self.headless, self.recorder is not None, self._interrupts.asked)
        return self.other.state(self.pace, kind)

    @property
    def tuned(self) -> Changing:
        """The chosen side."""
        return OneSide(self.stages("policy.exploration")[0], self.viewer, self.pace)

    def take_preset(self, name: str) -> str:
        """Have side A go over to a preset; return why not, "" if that is done."""
        if self.viewer.side == 0:
            return super().take_preset(name)
        why_not = "presets and files are of side A: S chooses it"
        self.captions.refresh(why_not)
        return why_not

    def _carry_out(self, asked: Iterable[Change], changes: Iterable[Change]) -> None:
        """Carry out changes; plug-ins and files that were saved are of side A, whichever is chosen."""
        with self._first_side():
            self.controls.apply_all(asked)
        self.controls.apply_all(changes)
        with self._first_side():
            self.reloading.look()

    @contextmanager
    def _first_side(self) -> Iterator[None]:
        """Inside, settings of a run go to side A."""
        side, self.viewer.side = self.viewer.side, 0
        try:
            yield
        finally:
            self.viewer.side = side

    def _say(self, said: str) -> None:
        super()._say(f"A: {said}")

    def _alarm(self, said: str) -> None:
        super()._alarm(f"A: {said}")

    def plugin_sections(self) -> tuple[Section, ...]:
        """Return those of side A, where plug-ins live, marked as such."""
        return tuple(replace(each, title=f"{each.title} (side A)") for each in super().plugin_sections())

    def tuned_state(self) -> RunState:
        """Return the state of the chosen side, whose settings the panel shows."""
        return self.other_state() if self.viewer.side else self.state()

    def stages(self, setting: str) -> tuple[Stage, ...]:
        """Return the stages on which a new value of a live setting acts: the chosen one, or both."""
        both = self.stage, self.other.stage
        one_sided = _is_one_sided(setting) and not is_of_the_pair(setting)
        return (both[self.viewer.side],) if one_sided else both

    def _sides(self) -> Sequence[Side]:
        return (*super()._sides(), Side(self.other.stage, self.other.viewer, self.other.inspection))

    def _side_changed(self) -> None:
        super()._side_changed()
        self.other.ledger.forget_memory()

    def _look_at_both(self) -> PairState:
        states = self.state(), self.other_state()
        found = gains(self.engine, self.other.stage.engine, self.newest_tick)
        cards = self.inspection.cards(self.viewer), self.other.inspection.cards(self.other.viewer)
        return PairState(states, found, cards, self.viewer.side)

    def _note(self, began: float) -> None:
        super()._note(began)
        self.other.ledger.note(began)

    def _look(self) -> None:
        super()._look()
        self.other.ledger.look(leads=False)

    def _take_over(self, newest: int, *, waits: bool, last: bool = False) -> None:
        self._follow_scenes()
        super()._take_over(newest, waits=waits, last=last)
        with self.meter.section("other side"):
            if self.other.take_over(newest, self.viewer, waits=waits, last=last):
                self.ledger.stats.mark("scene")
        if last and self.headless:
            maps, other = self.other.stage.maps, self.other
            maps.finish(other.stage.scene, other.viewer.shown, lambda: not self._interrupts.asked)

    def _paint(self, said: Annotations) -> None:
        self._pair.draw(self.viewer, self.other.viewer, said)

    def _follow_scenes(self) -> None:
        """Pair the scenes again after one was made anew; B's is drawn into the picture of A's."""
        if self._pair.first is not self.scene:
            self.other.stage.draw_anew()
        if (self._pair.first, self._pair.second) != (self.scene, self.other.stage.scene):
            self._pair = ScenePair(self.scene, self.other.stage.scene, self.meter)
        self._share_colors()

    def _draw_afresh(self) -> Provenance | None:
        said = self.annotations()
        self._pair.draw_afresh(self.viewer, self.other.viewer, said)
        return pair_origin(self.stage, self.other.stage, self.newest_tick)

    def _video_origin(self) -> str:
        return as_text(pair_origin(self.stage, self._coming.stage, -1))

    def _finish(self, origin: Provenance | None) -> RunResult:
        self.other.ledger.stats.forget("episodes", "critic")
        first = self.state()
        found = gains(self.engine, self.other.stage.engine, self.newest_tick)
        more = about_pair(first, self.other_state(), found)
        return finish(first, self.outputs, self.stage, self.ledger, self.recorder, origin, more)


def _is_one_sided(setting: str) -> bool:
    """Return whether a setting, if it is live, acts on one side."""
    return setting in _ONE_SIDED or setting.partition(".")[0] in _ONE_SIDED_SECTIONS


def _is_of_both(setting: str) -> bool:
    """Return whether a change of a setting is one of both sides."""
    return is_of_the_pair(setting) or (setting in LIVE and not _is_one_sided(setting))
