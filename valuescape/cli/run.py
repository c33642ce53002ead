"""The command `run`."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from valuescape.browser.browsing import Browsing
from valuescape.cli.browser_options import browsing_of
from valuescape.cli.bundles import bundled
from valuescape.cli.code import NO_CODE, Code, code_of
from valuescape.cli.console import read_config_file
from valuescape.cli.options import (
    Activation,
    Algorithm,
    Cluster,
    Debug,
    Gamma,
    NamesMap,
    ObsNormalization,
    Overrides,
    RewardScale,
    stated_changes,
)
from valuescape.cli.run_options import (
    Checksum,
    Export,
    Figure,
    Folder,
    Frames,
    Headless,
    Profile,
    Record,
    RecordEvery,
    RecordRun,
    RecordSession,
    RunPreset,
    Screenshot,
    Seconds,
    Seed,
    Strict,
    Ticks,
    Versus,
    VersusSet,
    Watch,
)
from valuescape.cli.showing import RunOptions, Shown, show
from valuescape.run.length import RunLength

if TYPE_CHECKING:
    from valuescape.sim.config.files import Config


@bundled(code=code_of, browsing=browsing_of)
def run(
    preset: RunPreset = "demo",
    overrides: Overrides = None,
    headless: Headless = False,
    frames: Frames = None,
    seconds: Seconds = None,
    ticks: Ticks = None,
    folder: Folder = None,
    record: Record = None,
    screenshot: Screenshot = None,
    profile: Profile = None,
    export: Export = None,
    figure: Figure = None,
    strict: Strict = False,
    seed: Seed = None,
    checksum: Checksum = False,
    record_run: RecordRun = None,
    record_every: RecordEvery = None,
    record_session: RecordSession = None,
    activation: Activation = None,
    gamma: Gamma = None,
    algorithm: Algorithm = None,
    obs_normalization: ObsNormalization = None,
    names: NamesMap = None,
    reward_scale: RewardScale = None,
    cluster: Cluster = None,
    versus: Versus = None,
    versus_set: VersusSet = None,
    code: Code = NO_CODE,
    watch: Watch = True,
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
    length = RunLength(frames, seconds, ticks)
    files = record, screenshot, profile, export, figure, record_session
    shown = RunOptions(headless, length, folder, *files, strict, watch, browsing)
    simulated = ticks, checksum, record_run, record_every
    stated = stated_changes(activation, gamma, algorithm, obs_normalization, names, reward_scale)
    asked = _Asked(preset, [*stated, *_changes(overrides, seed, cluster)], code, versus, versus_set or [])
    return _start(asked, shown, simulated)


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
    named += [f"workers.cluster={json.dumps(cluster, ensure_ascii=False)}"] if cluster is not None else []
    return [*(overrides or []), *named]
