"""The command `analyze` for the folder of a training run."""

import time
from pathlib import Path

from valuescape.cli.analysis_plan import Done, config_of, makers_of, plan_of, telling_progress
from valuescape.cli.code import Code
from valuescape.cli.console import say_lines, say_written
from valuescape.cli.terminal import err, out
from valuescape.cli.text_table import say_rows


def analyze_training(
    folder: Path,
    changes: list[str],
    code: Code,
    sizes: tuple[int, int | None],
    target: Path | None,
) -> Done:
    """Analyse the checkpoints in a folder.

    sizes: episodes and cells, as `plan_of` takes them. target: where to write; None for a folder
    in runs/. Raises UsageError.
    """
    from valuescape.analysis.output import make_folder
    from valuescape.analysis.training import analyze_training as analysis_of
    from valuescape.analysis.training_output import training_table, training_verdict, write_training
    from valuescape.model_files import stated_by
    from valuescape.sim.cluster.requirements import without_cluster
    from valuescape.sim.insight.actions import require_actions
    from valuescape.sim.insight.plane import map_plane
    from valuescape.sim.policy.training_files import training_files
    from valuescape.sim.worlds import make_world

    files = training_files(folder, stated_by(changes))
    for each in files.left_out:
        err.say(("left out: ", "yellow"), each)
    config = config_of(str(files.saved[-1].path), changes, code)
    plane = map_plane(config, make_world(config.world.name, config))
    require_actions(config.insight, plane.world)
    target = target or Path("runs") / f"analyze-{folder.resolve().name}"
    make_folder(target)
    began = time.perf_counter()
    plan = plan_of(config, *sizes)
    with makers_of(config) as made_by, telling_progress() as tell:
        run = analysis_of(files, plane, plan, tell, _say_left_out, made_by)
    config = without_cluster(config)  # it changes nothing in what is found
    written = write_training(run, target, time.perf_counter() - began, config)
    say_rows(out, training_table(run))
    say_lines(training_verdict(run))
    say_written(written[0])
    return Done(written, complete=run.complete)


def _say_left_out(sentence: str) -> None:
    err.say(("left out: ", "yellow"), sentence)
