"""Runs without pictures: `run --checksum`, `run --record-run` and `replay`."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from valuescape.cli.progress import Update, progress_bar
from valuescape.cli.terminal import err, out
from valuescape.paths import require_writable
from valuescape.presets import checkpoint_of
from valuescape.recordings.contents import RecordedTick
from valuescape.recordings.recording import Recording, RunRecorder, sampled_ticks
from valuescape.recordings.replay import RunDiffersError, other_versions, replay
from valuescape.recordings.simulate import simulate
from valuescape.sim.config.files import Config
from valuescape.sim.engine import Engine
from valuescape.sim.errors import UsageError
from valuescape.sim.interrupts import Interrupts
from valuescape.sim.paths import require_replaceable


@dataclass(frozen=True, slots=True)
class SimulationOptions:
    """The options of a run without pictures; `require_simulation` makes sure that `ticks` is a number."""

    ticks: int | None
    checksum: bool
    record_run: Path | None
    record_every: int | None

    @property
    def wanted(self) -> bool:
        """Whether one of the options asks for such a run."""
        return bool(self.checksum or self.record_run or self.record_every)

    @property
    def option(self) -> str:
        """The option that asks for such a run."""
        return "--checksum" if self.checksum else "--record-run" if self.record_run else "--record-every"


def require_simulation(options: SimulationOptions, refused: list[str]) -> None:
    """Raise UsageError if the options do not go together.

    refused: names of options that were given and need pictures.
    """
    if refused:
        raise UsageError(f"{refused[0]} does not go with {options.option}, which makes no pictures")
    if options.ticks is None:
        raise UsageError(f"{options.option} needs --ticks", f"for example --ticks 1000 {options.option}")
    if options.record_run is None:
        if options.record_every:
            raise UsageError("--record-every needs --record-run", "name the file: --record-run run.vsz")
        return
    require_replaceable(options.record_run, "--record-run")
    require_writable("--record-run", options.record_run.parent)


def run_simulation(config: Config, options: SimulationOptions, interrupts: Interrupts) -> int:
    """Simulate to tick `options.ticks`, print the checksum or write the recording, and return the status."""
    assert options.ticks is not None
    checkpoint = checkpoint_of(config)
    stops = sampled_ticks(options.ticks, options.record_every) if options.record_run else [options.ticks]
    reached = _Reached(options.checksum)
    try:
        with ExitStack() as owned:
            actions: list[Callable[[Engine], None]] = [reached]
            if options.record_run:
                recorder = RunRecorder(options.record_run, config, checkpoint, len(stops))
                actions.append(owned.enter_context(recorder).add)
            update = owned.enter_context(progress_bar("simulating", options.ticks))
            on_tick, at_stop = _showing(update, options.ticks), _all_of(actions)
            simulate(config, checkpoint, stops, at_stop, check=interrupts.check, on_tick=on_tick)
    except KeyboardInterrupt:
        return _interrupted(options.record_run, reached.tick)
    if options.checksum:
        out.say(f"checksum {options.ticks} {reached.state_hash}")
    if options.record_run:
        out.say("wrote ", (str(options.record_run), "bold"))
    return 0


def run_replay(
    path: Path,
    workers: int | None,
    checkpoint: Path | None,
    interrupts: Interrupts,
) -> int:
    """Run the recording at `path` again, print a line for each recorded tick, and return the exit status.

    workers, checkpoint: replace the recording's own, if given.
    """
    with Recording(path) as recording, ExitStack() as owned:
        samples = recording.about.samples
        for each in other_versions(recording):
            err.say(("another version:", "yellow"), f" {each}")
        update = owned.enter_context(progress_bar("replaying", samples[-1].tick))

        def show(sample: RecordedTick) -> None:
            out.say(f"tick {sample.tick} equal {sample.state_hash}")

        try:
            replay(
                recording,
                workers=workers,
                checkpoint=checkpoint,
                on_equal=show,
                check=interrupts.check,
                on_tick=_showing(update, samples[-1].tick),
            )
        except RunDiffersError as difference:
            out.say(str(difference))
            return 1
        except KeyboardInterrupt:
            return _interrupted(None, None)
        out.say(f"equal at all {len(samples)} ticks that were recorded")
    return 0


class _Reached:
    """Notes the tick at which a run last rested, and on request the hash of its state."""

    def __init__(self, hashes: bool) -> None:
        self._hashes = hashes
        self.tick: int | None = None
        self.state_hash = ""

    def __call__(self, engine: Engine) -> None:
        self.tick = engine.newest_tick
        if self._hashes:
            self.state_hash = engine.state_hash()


def _showing(update: Update, ticks: int) -> Callable[[int], None]:
    """Return the function that shows by a bar's `update` which tick a run has reached, of how many."""
    return lambda tick: update(completed=tick, state=f"tick {tick:,} of {ticks:,}")


def _all_of(actions: list[Callable[[Engine], None]]) -> Callable[[Engine], None]:
    def act(engine: Engine) -> None:
        for action in actions:
            action(engine)

    return act


def _interrupted(record_run: Path | None, tick: int | None) -> int:
    kept = f"; wrote {record_run} up to tick {tick}" if record_run and tick is not None else ""
    err.say(f"interrupted{kept}")
    return 130
