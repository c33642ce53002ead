"""Steps that every kind of analysis begins with: configuration, plan, progress."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from valuescape.cli.code import Code
from valuescape.cli.console import read_config
from valuescape.cli.progress import progress_bar
from valuescape.cli.terminal import err

if TYPE_CHECKING:
    from valuescape.analysis.analysis import Plan, Progress
    from valuescape.analysis.making import Makers
    from valuescape.sim.config.files import Config


class Done(NamedTuple):
    """An analysis that was written: its files, the report first, and whether it was made to the end."""

    files: list[Path]
    complete: bool

    @property
    def status(self) -> int:
        """The exit status."""
        return 0 if self.complete else 130


def config_of(source: str, changes: list[str], code: Code) -> "Config":
    """Return the configuration of an analysis. Raises UsageError if it names what is not analysed."""
    from valuescape.sim.errors import UsageError

    config = read_config(source, changes, code)
    if config.policy.torchscript_critic:
        raise UsageError(
            "policy.torchscript_critic: analyze judges the checkpoint's own critic",
            "leave the setting out, or look at that critic with `valuescape run`",
        )
    return config


def plan_of(config: "Config", episodes: int, cells: int | None) -> "Plan":
    """Return the plan of an analysis that a configuration and the command line make.

    cells: None for as many as take some seconds. Tells on standard error if rollouts are slow.
    """
    from valuescape.analysis.origin import plan_by
    from valuescape.sim.resources import usable_cores
    from valuescape.sim.rollouts.choose import about_speed, usual_cells
    from valuescape.sim.worlds import make_world

    if said := about_speed(make_world(config.world.name, config)):
        err.say(said)
    return plan_by(config, episodes, cells or usual_cells(config.world.name), usable_cores())


@contextmanager
def makers_of(config: "Config") -> "Iterator[Makers | None]":
    """Connect to the cluster that a configuration names while inside; yields what makes analyses on it.

    None if it names none. Remarks are printed. Raises UsageError, as `spread.opening.makers_for`.
    """
    if not config.workers.cluster:
        yield None
        return
    from valuescape.analysis.spread.opening import makers_for

    with makers_for(config, err.say) as made_by:
        yield made_by


@contextmanager
def telling_progress() -> "Iterator[Progress]":
    """Show a bar while inside; yields what moves it and says whether to go on, which Ctrl-C ends."""
    from valuescape.sim.interrupts import Interrupts

    with Interrupts() as interrupts, progress_bar(total=1.0) as update:

        def tell(what: str, share: float) -> bool:
            update(completed=share, state=what)
            return not interrupts.asked

        yield tell
