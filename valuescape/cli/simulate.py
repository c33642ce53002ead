"""What `run --checksum`, `run --record-run` and `replay` do and print."""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from valuescape.cli.terminal import Terminal
from valuescape.paths import require_writable
from valuescape.presets import find_checkpoint
from valuescape.recordings.contents import RecordedTick
from valuescape.recordings.recording import Recording, RunRecorder, sampled_ticks
from valuescape.recordings.replay import RunDiffersError, other_versions, replay
from valuescape.recordings.simulate import simulate
from valuescape.sim.config.files import Config
from valuescape.sim.engine import Engine
from valuescape.sim.errors import UsageError
from valuescape.sim.interrupts import Interrupts
from valuescape.sim.paths import require_replaceable
from valuescape.sim.worlds import make_world


@dataclass(frozen=True, slots=True)
class SimulationOrder:
    """What is wanted of a run without pictures; `ticks` is None until `require_simulation` has looked."""

    ticks: int | None
    checksum: bool
    record_run: Path | None
    record_every: int | None

    @property
    def wanted(self) -> bool:
        """Whether one of the options asks for it."""
        return bool(self.checksum or self.record_run or self.record_every)

    @property
    def option(self) -> str:
        """The option that asks for it."""
        return "--checksum" if self.checksum else "--record-run" if self.record_run else "--record-every"


def require_simulation(order: SimulationOrder, refused: list[str]) -> None:
    """Raise UsageError if the options do not go together; `refused` are those given that need pictures."""
    if refused:
        raise UsageError(f"{refused[0]} does not go with {order.option}, which makes no pictures")
    if order.ticks is None:
        raise UsageError(f"{order.option} needs --ticks", f"for example --ticks 1000 {order.option}")
    if order.record_run is None:
        if order.record_every:
            raise UsageError("--record-every needs --record-run", "name the file: --record-run run.vsz")
        return
    require_replaceable(order.record_run, "--record-run")
    require_writable("--record-run", order.record_run.parent)


def run_simulation(
    config: Config, order: SimulationOrder, interrupts: Interrupts, out: Terminal, err: Terminal
) -> int:
    """Simulate to tick `order.ticks`, print what was asked for, and return the exit status."""
    assert order.ticks is not None
    checkpoint = find_checkpoint(config.policy.checkpoint, make_world(config.world.name, config))
    stops = sampled_ticks(order.ticks, order.record_every) if order.record_run else [order.ticks]
    reached = _Reached(order.checksum)
    try:
        with ExitStack() as owned:
            actions: list[Callable[[Engine], None]] = [reached]
            if order.record_run:
                recorder = RunRecorder(order.record_run, config, checkpoint, len(stops))
                actions.append(owned.enter_context(recorder).add)
            bar = owned.enter_context(_progress(err, "simulating", order.ticks))
            at_stop = _all_of(actions)
            simulate(config, checkpoint, stops, at_stop, check=interrupts.check, on_tick=bar)
    except KeyboardInterrupt:
        return _interrupted(err, order.record_run, reached.tick)
    if order.checksum:
        out.say(f"checksum {order.ticks} {reached.state_hash}")
    if order.record_run:
        out.say("wrote ", (str(order.record_run), "bold"))
    return 0


def run_replay(
    path: Path,
    workers: int | None,
    checkpoint: Path | None,
    interrupts: Interrupts,
    out: Terminal,
    err: Terminal,
) -> int:
    """Make the run recorded at `path` again, print a line for each tick kept, and return the exit status."""
    with Recording(path) as recording, ExitStack() as owned:
        samples = recording.about.samples
        for each in other_versions(recording):
            err.say(("another version:", "yellow"), f" {each}")
        bar = owned.enter_context(_progress(err, "replaying", samples[-1].tick))

        def show(sample: RecordedTick) -> None:
            out.say(f"tick {sample.tick} equal {sample.state_hash}")

        try:
            replay(
                recording,
                workers=workers,
                checkpoint=checkpoint,
                on_equal=show,
                check=interrupts.check,
                on_tick=bar,
            )
        except RunDiffersError as difference:
            out.say(str(difference))
            return 1
        except KeyboardInterrupt:
            return _interrupted(err, None, None)
        out.say(f"equal at all {len(samples)} ticks that were recorded")
    return 0


class _Reached:
    """Notes the newest tick the run rested at, and its hash if that is wanted."""

    def __init__(self, hashes: bool) -> None:
        self._hashes = hashes
        self.tick: int | None = None
        self.state_hash = ""

    def __call__(self, engine: Engine) -> None:
        self.tick = engine.newest_tick
        if self._hashes:
            self.state_hash = engine.state_hash()


def _all_of(actions: list[Callable[[Engine], None]]) -> Callable[[Engine], None]:
    def act(engine: Engine) -> None:
        for action in actions:
            action(engine)

    return act


def _interrupted(err: Terminal, record_run: Path | None, tick: int | None) -> int:
    kept = f"; wrote {record_run} up to tick {tick}" if record_run and tick is not None else ""
    err.say(f"interrupted{kept}")
    return 130


@contextlib.contextmanager
def _progress(console: Terminal, what: str, ticks: int) -> Iterator[Callable[[int], None]]:
    """Give a function that takes the tick a run has come to and shows it, in a terminal."""
    columns = (
        TextColumn(what),
        BarColumn(),
        TextColumn("tick {task.completed:,.0f} of {task.total:,.0f}"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=ticks)
        yield lambda tick: bar.update(task, completed=tick)
