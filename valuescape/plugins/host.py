"""`PluginHost`: calls the systems and panels of plug-ins while a run goes on."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from valuescape.plugins.run_view import Asked, Hosted, RowGoneError, RunView
from valuescape.render.view.changes import Change
from valuescape.sim.plugins.declarations import Declaration, Kind
from valuescape.sim.plugins.failing import TROUBLE
from valuescape.sim.plugins.main_kinds import MainSystem, PanelSection
from valuescape.sim.plugins.registry import PLUGINS
from valuescape.sim.plugins.widgets import Panel, Section


@dataclass(slots=True)
class _Running:
    """A plug-in of this run. called: the function or object. made: the object of a class, else None."""

    declared: Declaration
    called: Callable[..., Any]
    made: Any
    missed: int = 0

    @property
    def every(self) -> int:
        """Ticks from one call to the next; 0: with every frame."""
        options: MainSystem = self.declared.options
        return 0 if options.every == "frame" else options.every


@dataclass(slots=True)
class PluginHost:
    """Calls plug-ins of the main process, in their order.

    run: the part of a session that they see. Each is a section of the profiler, named after it. Plug-ins that
    are loaded while a run goes on take part from the next frame on.

    Performance: without plug-ins a frame takes 2 us; a system that does nothing takes 5 us (one core).
    """

    run: Hosted
    asked: Asked = field(default_factory=Asked)
    _systems: dict[int, _Running] = field(default_factory=dict)
    _touched: dict[str, dict[str, Any]] = field(default_factory=lambda: defaultdict(dict))
    _last: int = -1
    _revision: int = -1

    def begin_again(self) -> None:
        """End all systems, because another simulation begins at tick 0."""
        self.close()
        self._last, self._revision = -1, -1

    def step(self, newest: int) -> list[Change]:
        """Call the systems that are due, up to tick `newest`; return the changes that plug-ins asked for."""
        if self._revision != PLUGINS.revision:
            self._revision = PLUGINS.revision
            self._begin_new()
        self._note_systems_off()
        ticks = range(self._last + 1, newest + 1)
        self._last = max(self._last, newest)
        for running in tuple(self._systems.values()):
            with self.run.meter.section(f"plug-in {running.declared.name}"):
                self._step(running, ticks, newest)
        changes, self.asked.changes = self.asked.changes, []
        return changes

    def _note_systems_off(self) -> None:
        """Note which systems raised in the workers and were switched off there."""
        for off in self.run.engine.systems_off():
            declared = PLUGINS.find(Kind.WORKER_SYSTEM, off.name)
            if declared:
                TROUBLE.switched_off(declared, f"{off.said}, in tick {off.tick}")

    def _begin_new(self) -> None:
        """Begin the systems that are declared now, and end those that are not any more."""
        wanted = {id(each): each for each in PLUGINS.of(Kind.SYSTEM)}
        for key in self._systems.keys() - wanted.keys():
            self._end(self._systems.pop(key))
        before = self._systems
        self._systems = {key: before.get(key) or self._begun(each) for key, each in wanted.items()}

    def _begun(self, declared: Declaration) -> _Running:
        if not isinstance(declared.function, type):
            return _Running(declared, declared.function, None)
        newest = max(self.run.newest_tick, 0)
        view = RunView(self.run, self.asked, declared, newest, 0)
        made = TROUBLE.call(declared, newest, declared.function, view)
        return _Running(declared, made, made)

    def _step(self, running: _Running, ticks: range, newest: int) -> None:
        if running.every == 0:
            if newest >= 0:
                self._call(running, newest)
            return
        for tick in _multiples(ticks, running.every):
            self._call(running, tick)

    def _call(self, running: _Running, tick: int) -> None:
        """Call a system at a tick; one whose rows are gone counts as missed."""
        declared = running.declared
        if TROUBLE.is_off(declared):
            return
        view = RunView(self.run, self.asked, declared, tick, running.missed)
        try:
            if view.is_gone:
                raise RowGoneError
            running.called(view)
        except RowGoneError:
            running.missed += 1
        except Exception as error:
            TROUBLE.failed(declared, tick, error)

    def sections(self) -> tuple[Section, ...]:
        """Return the sections of the panel that plug-ins describe now."""
        return tuple(self._sections())

    def _sections(self) -> Iterator[Section]:
        for declared in PLUGINS.of(Kind.PANEL):
            tick = max(self.run.newest_tick, 0)
            described = Panel(self._touched.pop(declared.name, {}))
            with self.run.meter.section(f"plug-in {declared.name}"):
                view = RunView(self.run, self.asked, declared, tick, 0)
                TROUBLE.call(declared, tick, _describe, declared, described, view)
            if not TROUBLE.is_off(declared):
                options: PanelSection = declared.options
                yield Section(declared.name, options.title, tuple(described.widgets))

    def touch(self, plugin: str, label: str, value: Any) -> None:
        """Keep the value that the user gave a widget of a plug-in, for its next description."""
        self._touched[plugin][label] = value

    def close(self) -> None:
        """End all systems: objects of classes are closed."""
        while self._systems:
            self._end(self._systems.popitem()[1])

    def _end(self, running: _Running) -> None:
        close = getattr(running.made, "close", None)
        if close is not None:
            TROUBLE.call(running.declared, max(self._last, 0), close)


def _describe(declared: Declaration, described: Panel, view: RunView) -> None:
    """Let a panel's plug-in describe its section. A row that is gone leaves it as far as it came."""
    try:
        declared.function(described, view)
    except RowGoneError:
        described.text("…")


def _multiples(ticks: range, every: int) -> range:
    """Return the ticks that are multiples of `every`."""
    first = -(-ticks.start // every) * every
    return range(first, ticks.stop, every)
