"""The command `attach`: watches a training run while it goes on."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from valuescape.attached.priority import Priority, leave_cores, modest_session, take_priority
from valuescape.browser.browsing import Browsing
from valuescape.cli.browser_options import browsing_of
from valuescape.cli.bundles import bundled
from valuescape.cli.code import NO_CODE, Code, code_of
from valuescape.cli.console import begin_reading, config_file
from valuescape.cli.options import Debug, Overrides, stated_changes
from valuescape.cli.run_options import Seed
from valuescape.cli.showing import SHOWN, RunOptions, Shown, show, shown_of
from valuescape.cli.terminal import err, out
from valuescape.sim.resources import usable_cores

if TYPE_CHECKING:
    from valuescape.attached.opening import Opened
    from valuescape.run.session import Session
    from valuescape.sim.interrupts import Interrupts
    from valuescape.sim.policy.formats.given import Given

_FEW_CORES = 3
"""Up to so many, the viewer starts no workers beside a trainer."""

_Target = Annotated[
    str | None,
    typer.Argument(
        metavar="[NAME|FOLDER]",
        help="The name that the training run publishes by, or the folder it saves checkpoints in; the only "
        "one that is published if not given.",
    ),
]
_List = Annotated[bool, typer.Option("--list", help="List the training runs that are published, and end.")]
_Preset = Annotated[
    str, typer.Option(metavar="PRESET", help="The preset, or FILE.toml, to show the training run with.")
]
_Priority = Annotated[
    Priority,
    typer.Option(
        help="What the viewer takes from others that want a core: hardly anything, a tenth, or its share."
    ),
]


@bundled(shown=shown_of, stated=stated_changes, code=code_of, browsing=browsing_of)
def attach(
    target: _Target = None,
    overrides: Overrides = None,
    list_them: _List = False,
    preset: _Preset = "demo",
    priority: _Priority = Priority.IDLE,
    shown: RunOptions = SHOWN,
    seed: Seed = None,
    stated: Sequence[str] = (),
    code: Code = NO_CODE,
    browsing: Browsing | None = None,
    debug: Debug = False,
) -> int:
    """Watch a training run: its newest networks act, and their landscape is shown, as they are learned.

    Start it before or after the training, as often as you like: the trainer does not notice. Once the
    training has ended, the picture stays with its last networks.

    [bold]Examples[/]

      valuescape attach my-run --set agents.count=1000

      valuescape attach runs/logs --headless --seconds 60 --screenshot now.png

      valuescape attach --list
    """
    if list_them:
        return _list()
    take_priority(priority)
    leave_cores(priority, usable_cores())
    options = replace(shown, browsing=browsing)
    seeded = [f"run.seed={seed}"] if seed is not None else []
    changes = [*_modest(priority, preset), *stated, *(overrides or []), *seeded]
    return _watch(_Asked(target, preset, changes, code, priority), options)


@dataclass(frozen=True, slots=True)
class _Asked:
    """The training run that is to be watched, and how it is to be shown."""

    target: str | None
    preset: str
    changes: list[str]
    code: Code
    priority: Priority


def _watch(asked: _Asked, options: RunOptions) -> int:
    from valuescape.sim.interrupts import Interrupts

    with Interrupts() as interrupts:
        return _open_and_show(asked, options, interrupts)


def _open_and_show(asked: _Asked, options: RunOptions, interrupts: "Interrupts") -> int:
    from valuescape.attached.opening import Waiting, open_target
    from valuescape.training_run import follow, with_steps

    changes = [*begin_reading(asked.code, asked.changes), *asked.changes]
    waiting = Waiting(interrupts.check, err.say, _seconds(asked.preset, changes, options))
    opened = open_target(asked.target, waiting, _given(changes))
    with contextlib.closing(opened.source), follow(opened.history.folder, opened.history):
        file = config_file(asked.preset, [*_settings(opened, changes), *changes])

        config = with_steps(file.config)
        said = f"{config.world.name}, after {int(config.policy.steps):,} steps"
        err.say(f"watching {opened.source.name}: {said}")
        if asked.priority is Priority.IDLE and os.getloadavg()[0] > usable_cores():
            err.say("others use all cores; the viewer takes what they leave (--priority low or normal: more)")

        @contextlib.contextmanager
        def following(session: "Session") -> Iterator[None]:
            from valuescape.attached.follower import TrainingFollower

            modest = modest_session(asked.priority, opened.source.trainer)  # only now: a start takes seconds
            with TrainingFollower(session, opened.source, opened.history), modest:
                yield

        return show(Shown(config, file, follow=following), options, interrupts)


def _seconds(preset: str, changes: list[str], options: RunOptions) -> float | None:
    """Return the seconds that a training run is waited for at most: as long as it would be shown."""
    from valuescape.presets import config_path
    from valuescape.render.displays.display import display_available
    from valuescape.sim.config.files import load_config

    seen = options.browsing or (display_available() and not options.headless)  # by a person, who ends it
    if options.length.seconds is not None or seen:
        return options.length.seconds
    own = [each for each in changes if each.partition("=")[0].strip() == "run.seconds"]
    return load_config(config_path(preset), own).run.seconds


def _given(changes: list[str]) -> "Given":
    """Return what the command line states about checkpoints. Raises UsageError."""
    from valuescape.sim.config.files import load_config
    from valuescape.sim.policy.formats.given import given_of

    return given_of(load_config(None, [each for each in changes if each.startswith("policy.")]).policy)


def _settings(opened: "Opened", changes: list[str]) -> list[str]:
    """Return the settings that show a training run in its world. Raises UsageError if that is not clear."""
    if opened.world:
        from valuescape.sim.config.toml_writer import toml_value

        return [f"{name}={toml_value(value)}" for name, value in opened.changes.items()]
    from valuescape.model_files import preset_of

    return preset_of(str(opened.history.folder), changes)[1][: -len(changes) or None]


def _modest(priority: Priority, preset: str) -> list[str]:
    """Return the settings of a viewer that leaves cores alone.

    A video is written only if one is asked for, whatever the presets of this program say.
    """
    from valuescape.presets import presets

    workers = ["workers.count=0"] if usable_cores() <= _FEW_CORES else []
    video = ["run.record=false"] if preset in presets() else []
    return [*workers, *video, *([] if priority is Priority.NORMAL else ["render.max_fps=30"])]


def _list() -> int:
    """Print the training runs that are published; return the exit status."""
    from valuescape.publishing.subscription import published

    found = published()
    for each in found:
        out.say((f"{each.name:20}", "bold"), f" {each.world}, process {each.pid}")
    if not found:
        out.say("no training run is published")
    return 0
