"""The command `run`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from valuescape.browser.browsing import Browsing
from valuescape.cli.browser_options import browsing_of
from valuescape.cli.bundles import bundled
from valuescape.cli.code import NO_CODE, Code, code_of
from valuescape.cli.console import read_config_file
from valuescape.cli.options import Cluster, Debug, Overrides, cluster_changes, stated_changes
from valuescape.cli.run_options import Checksum, RecordEvery, RecordRun, RunPreset, Seed, Versus, VersusSet
from valuescape.cli.showing import SHOWN, RunOptions, Shown, show, shown_of

if TYPE_CHECKING:
    from valuescape.sim.config.files import Config


@bundled(shown=shown_of, stated=stated_changes, code=code_of, browsing=browsing_of)
def run(
    preset: RunPreset = "demo",
    overrides: Overrides = None,
    shown: RunOptions = SHOWN,
    seed: Seed = None,
    checksum: Checksum = False,
    record_run: RecordRun = None,
    record_every: RecordEvery = None,
    stated: Sequence[str] = (),
    cluster: Cluster = None,
    versus: Versus = None,
    versus_set: VersusSet = None,
    code: Code = NO_CODE,
    browsing: Browsing | None = None,
    debug: Debug = False,
) -> int:
    """Show a trained critic's landscape with its agents: in a window, or headless into files.

    Without a screen it runs headless by itself. At the end it prints the run's figures beside five health
    limits, and writes them to run.json.

    [bold]Examples[/]

      valuescape run demo

      valuescape run demo --headless --seconds 10 --out runs/try

      valuescape run ppo.zip --world my_package.envs:GridEnv --env-kwargs size=8

      valuescape run agent.cleanrl_model --gamma 0.99 --record landscape.mp4

      valuescape run sac.zip --versus ppo.zip

      valuescape run demo --browser
    """
    simulated = shown.length.ticks, checksum, record_run, record_every
    asked = _Asked(preset, [*stated, *_changes(overrides, seed, cluster)], code, versus, versus_set or [])
    return _start(asked, replace(shown, browsing=browsing), simulated)


_Simulated = tuple[int | None, bool, Path | None, int | None]
"""The fields of `SimulationOptions`, whose module takes long to import."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """The configurations that were asked for: that of the run, and of a side B.

    code: that the options name, which is loaded with the first configuration.
    """

    preset: str
    changes: list[str]
    code: Code
    versus: str | None
    versus_set: list[str]

    def second(self, config: "Config") -> "Config | None":
        """Return the configuration of side B beside `config`; None without one. Raises UsageError."""
        if self.versus is None and not self.versus_set:
            return None
        from valuescape.run.versus.asking import second_config

        return second_config(
            config, self.preset, [*self.code.load(self.changes), *self.changes], self.versus, self.versus_set
        )


def _start(asked: _Asked, shown: RunOptions, simulated: _Simulated) -> int:
    """Read the configurations, and run with pictures or without."""
    from valuescape.sim.interrupts import Interrupts, leaving_at_once

    with Interrupts() as interrupts:
        with leaving_at_once():
            from valuescape.cli.simulate import SimulationOptions, require_simulation, run_simulation
            from valuescape.training_run import with_steps

            simulation = SimulationOptions(*simulated)
            file = read_config_file(asked.preset, asked.changes, asked.code)
            config = with_steps(file.config)
            other = asked.second(config)
        if simulation.wanted:
            require_simulation(simulation, [*shown.given, *["--versus"] * (other is not None)])
            return run_simulation(config, simulation, interrupts)
        return show(Shown(config, file, other), shown, interrupts)


def _changes(overrides: list[str] | None, seed: int | None, cluster: str | None) -> list[str]:
    named = [f"run.seed={seed}"] if seed is not None else []
    return [*(overrides or []), *named, *cluster_changes(cluster)]
