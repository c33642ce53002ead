"""The command `analyze`."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from valuescape.browser.browsing import Browsing
from valuescape.cli.analysis_plan import Done, config_of, makers_of, plan_of, telling_progress
from valuescape.cli.browser_options import browsing_of
from valuescape.cli.bundles import bundled
from valuescape.cli.code import NO_CODE, Code, code_of
from valuescape.cli.console import say_lines, say_written
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
    cluster_changes,
    stated_changes,
)
from valuescape.cli.terminal import out
from valuescape.cli.text_table import say_rows

if TYPE_CHECKING:
    from valuescape.analysis.analysis import Plan, Progress
    from valuescape.analysis.making import Makers
    from valuescape.analysis.several import Model
    from valuescape.sim.config.files import Config
    from valuescape.sim.insight.plane import MapPlane

_NAMED = 3
"""Checkpoints that the name of a folder has at most."""


Checkpoints = Annotated[
    list[str],
    typer.Argument(
        metavar="CHECKPOINT",
        help="A model's file (`inspect` says what is in it), several, or the folder of a training run.",
    ),
]
Episodes = Annotated[int, typer.Option(min=2, max=100_000, help="Episodes to run.")]
Cells = Annotated[
    int | None,
    typer.Option(min=8, max=2048, help="Cells of the maps, each way: 256, of environments 64."),
]
Rollouts = Annotated[
    int | None,
    typer.Option(
        min=2, max=10_000, help="Rollouts a cell, where a policy draws its actions: insight.rollouts, 64."
    ),
]
Folder = Annotated[
    Path | None, typer.Option("--out", help="Folder for what is found; runs/analyze-NAME if not given.")
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of starts and draws.")]
TimeLimit = Annotated[bool, typer.Option("--time-limit", help="Let rollouts end at the world's time limit.")]
Alpha = Annotated[float | None, typer.Option(min=0, help="Alpha of SAC or TQC, if the file does not say it.")]


@bundled(code=code_of, browsing=browsing_of)
def analyze(
    checkpoints: Checkpoints,
    episodes: Episodes = 512,
    cells: Cells = None,
    rollouts: Rollouts = None,
    folder: Folder = None,
    seed: Seed = 0,
    time_limit: TimeLimit = False,
    entropy_coefficient: Alpha = None,
    activation: Activation = None,
    gamma: Gamma = None,
    algorithm: Algorithm = None,
    obs_normalization: ObsNormalization = None,
    names: NamesMap = None,
    reward_scale: RewardScale = None,
    cluster: Cluster = None,
    overrides: Overrides = None,
    code: Code = NO_CODE,
    browsing: Browsing | None = None,
    debug: Debug = False,
) -> int:
    """Say where a critic is wrong: its values beside the returns that really follow.

    Runs episodes of the policy, and rollouts from every cell of the map; writes a report that opens offline,
    maps as PNG and PDF, numbers as JSON, and all fields as arrays. Ctrl-C keeps what is done.

    Several checkpoints start in the same states: one table, maps on the same colours, and the differences
    from the first. A folder with the checkpoints of a training run gives the numbers over training steps,
    and the maps as a film. `valuescape compare` reads two summary.json.

    [bold]Examples[/]

      valuescape analyze dqn-MountainCar-v0.zip

      valuescape analyze sac.zip --world pendulum --rollouts 16 --set heatmap.slice=…

      valuescape analyze logs/ppo/CartPole-v1_1 --episodes 128 --cells 64 --browser
    """
    changes = {
        "insight.rollouts": rollouts,
        "insight.time_limit": "true" if time_limit else None,
        "policy.entropy_coefficient": entropy_coefficient,
    }
    given = [
        f"run.seed={seed}",
        *stated_changes(activation, gamma, algorithm, obs_normalization, names, reward_scale),
        *(overrides or []),
        *(f"{key}={value}" for key, value in changes.items() if value is not None),
        *cluster_changes(cluster),
    ]
    done = _analyze(checkpoints, given, code, (episodes, cells), folder)
    if browsing:
        from valuescape.cli.browser import serve_report

        serve_report(done.files, browsing)
    return done.status


def _analyze(
    checkpoints: list[str],
    given: list[str],
    code: Code,
    sizes: tuple[int, int | None],
    folder: Path | None,
) -> Done:
    """Analyse checkpoints with changes to the configuration; sizes: episodes and cells."""
    from valuescape.analysis.output import make_folder
    from valuescape.sim.policy.formats.detect import folder_format

    if len(checkpoints) == 1 and Path(checkpoints[0]).is_dir() and not folder_format(Path(checkpoints[0])):
        from valuescape.cli.analyze_training import analyze_training

        return analyze_training(Path(checkpoints[0]), given, code, sizes, folder)
    config = config_of(checkpoints[0], given, code)
    plan = plan_of(config, *sizes)
    models, plane = _read(config, [*checkpoints, *filter(None, [config.insight.compare_with])])
    folder = folder or Path("runs") / f"analyze-{_name(models)}"
    make_folder(folder)
    return (_several if len(models) > 1 else _one)(models, _Work(plane, plan, folder, config))


def _read(config: "Config", sources: list[str]) -> "tuple[list[Model], MapPlane]":
    """Return the checkpoints and the plane of their world.

    Raises UsageError, naming a file that fits not, or a setting that names no action of the world.
    """
    from valuescape import remarks
    from valuescape.analysis.several import Model, labels_of
    from valuescape.presets import find_checkpoint
    from valuescape.sim.errors import UsageError
    from valuescape.sim.insight.actions import require_actions
    from valuescape.sim.insight.plane import map_plane
    from valuescape.sim.policy.formats.detect import folder_format
    from valuescape.sim.policy.formats.given import given_of
    from valuescape.sim.worlds import make_world

    world, labels = make_world(config.world.name, config), labels_of(sources)
    remarks.tell(world.remarks)
    require_actions(config.insight, world)
    models: list[Model] = []
    given = given_of(config.policy)
    for label, source in zip(labels, sources, strict=True):
        if Path(source).is_dir() and not folder_format(Path(source)):
            raise UsageError(f"{source}: is a folder", "name files, or the folder of one training run alone")
        setting = source if models else config.policy.checkpoint
        found = find_checkpoint(setting, world, given=given)
        if found is None:
            raise UsageError(f"{source}: random actions have no critic", "name a trained model's file")
        models.append(Model(label, source, found, setting))
    return models, map_plane(config, world)


def _name(models: "Sequence[Model]") -> str:
    """Return the name of the folder for several checkpoints, or for one."""
    labels = [each.label.replace("/", "-") for each in models]
    more = [f"and-{len(labels) - _NAMED}-more"] if len(labels) > _NAMED else []
    return "-".join([*labels[:_NAMED], *more])


@dataclass(frozen=True, slots=True)
class _Work:
    """What analyses of one command share. config: as it was given, with the cluster that makes them."""

    plane: "MapPlane"
    plan: "Plan"
    folder: Path
    config: "Config"

    @contextmanager
    def making(self) -> "Iterator[tuple[Progress, Makers | None]]":
        """Yield what tells of progress and what makes analyses; processes on a cluster end with the block."""
        with makers_of(self.config) as made_by, telling_progress() as tell:
            yield tell, made_by

    @property
    def reported(self) -> "Config":
        """The configuration that reports name: a cluster changes nothing in what is found."""
        from valuescape.sim.cluster.requirements import without_cluster

        return without_cluster(self.config)


def _one(models: "Sequence[Model]", work: _Work) -> Done:
    from valuescape.analysis.output import write
    from valuescape.analysis.robustness import table
    from valuescape.analysis.several import named_analysis
    from valuescape.analysis.verdict import verdict

    (model,), began = models, time.perf_counter()
    with work.making() as (tell, made_by):
        found = named_analysis(model.source, model.checkpoint, work.plane, work.plan, tell, made_by)
    files = write(found, work.folder, model.source, time.perf_counter() - began, work.reported)
    rows = [("number", "value", "95 % interval")]
    rows += [
        (name, f"{each.value:.4g}", f"{each.low:.4g} to {each.high:.4g}")
        for name, each in found.numbers.items()
    ]
    say_rows(out, rows)
    for each in found.robustness:
        say_rows(out, table(each))
    say_lines(verdict(found))
    say_written(files[0])
    return Done(files, complete=found.complete)


def _several(models: "Sequence[Model]", work: _Work) -> Done:
    from valuescape.analysis.several import analyze_several
    from valuescape.analysis.several_output import MARK, several_table, several_verdict, write_several

    began = time.perf_counter()
    with work.making() as (tell, made_by):
        several = analyze_several(models, work.plane, work.plan, tell, made_by)
    files = write_several(several, work.folder, time.perf_counter() - began, work.reported)
    say_rows(out, several_table(several))
    if several.differences:
        say_lines([f"{MARK} differs from {models[0].label}: its 95 % interval, over pairs, is without zero"])
    say_lines(several_verdict(several))
    say_written(files[0])
    return Done(files, complete=several.complete)
