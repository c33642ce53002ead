"""The commands `convert` and `train`, which write checkpoints."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from valuescape.cli.code import NO_CODE, Code, takes_code
from valuescape.cli.options import (
    Activation,
    Algorithm,
    Debug,
    Gamma,
    NamesMap,
    Overrides,
    RewardScale,
    stated_changes,
)
from valuescape.cli.progress import progress_bar
from valuescape.cli.terminal import err
from valuescape.cli.terminal import out as terminal
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.reward_units import RewardUnits

if TYPE_CHECKING:
    from valuescape.sim.worlds.base import World as AnyWorld
    from valuescape.training.evaluate import Evaluation

_Force = Annotated[
    bool, typer.Option("--force", help="Replace the file to write even if it is no checkpoint of ours.")
]


@takes_code
def convert(
    source: Annotated[Path, typer.Argument(help="A checkpoint of any library that is read.")],
    out: Annotated[Path, typer.Argument(help="The .safetensors file to write.")],
    obs_normalization: Annotated[
        Path | None,
        typer.Option(
            "--obs-normalization",
            "--vecnormalize",
            metavar="FILE",
            help="Mean and var or std of observations in training: VecNormalize's .pkl (looked for beside a "
            "zip if not given), .npz, .json, .safetensors; read as data.",
        ),
    ] = None,
    activation: Activation = None,
    gamma: Gamma = None,
    algorithm: Algorithm = None,
    names: NamesMap = None,
    reward_scale: RewardScale = None,
    reward_normalization: Annotated[
        RewardUnits,
        typer.Option(
            help="Whether the critic learned from rewards that VecNormalize divided; auto: as its file says, "
            "unless the agents' returns contradict it."
        ),
    ] = RewardUnits.AUTO,
    force: _Force = False,
    overrides: Overrides = None,
    code: Code = NO_CODE,
    debug: Debug = False,
) -> None:
    """Turn a checkpoint of another library into Valuescape's own format, which says everything.

    Adds what the file lacks: VecNormalize's statistics, and what the options state.

    [bold]Example[/]

      valuescape convert ppo.zip ppo.safetensors --world mountain_car --vecnormalize vecnormalize.pkl
    """
    from valuescape.model_files import stated_by
    from valuescape.sim.policy.conversion import convert as convert_checkpoint
    from valuescape.sim.policy.formats.native import check_replaceable

    check_replaceable(out, code.files, force=force)
    fitting = _world(code, "convert", overrides)
    stated = stated_changes(activation, gamma, algorithm, obs_normalization, names, reward_scale)
    given = stated_by([*stated, *(overrides or [])])
    checkpoint = convert_checkpoint(source, out, fitting, given, reward_normalization, force=force)
    for remark in checkpoint.remarks:
        err.say(remark)
    norm = checkpoint.reward_normalization
    units = f", rewards / {norm.scale:.4g} in training" if norm else ""
    terminal.say(f"wrote {out}: {checkpoint.algorithm.upper()} for {checkpoint.world}{units}")


@takes_code
def train(
    trained_in: Annotated[
        str, typer.Argument(metavar="[WORLD]", help="The world to train in, as --world.", show_default=False)
    ] = "",
    algo: Annotated[str, typer.Option(help="sac, td3, ddpg, dqn, ppo or a2c.")] = "sac",
    timesteps: Annotated[
        int | None, typer.Option(min=1, help="Environment steps; the algorithm's default if not given.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the training.")] = 0,
    out: Annotated[
        Path | None, typer.Option(help="File to write; WORLD-ALGO.safetensors if not given.")
    ] = None,
    force: _Force = False,
    code: Code = NO_CODE,
    debug: Debug = False,
) -> None:
    """Train a policy and its critic with Stable-Baselines3 (extra `train`) and write a checkpoint.

    [bold]Examples[/]

      valuescape train pendulum --algo sac --seed 1 --out pendulum.safetensors

      valuescape train gymnasium:CartPole-v1 --algo ppo --out cartpole.safetensors

      valuescape train --env-file my_env.py --max-episode-steps 200 --algo ppo --out mine.safetensors
    """
    from valuescape.sim.policy.formats.native import check_replaceable
    from valuescape.training.train import check_algorithm, default_timesteps, require_trainable
    from valuescape.training.train import train as train_checkpoint

    code = replace(code, world=code.world or trained_in)
    made_in = require_trainable(_world(code, "train"))
    check_algorithm(made_in, algo)
    steps = timesteps or default_timesteps(made_in, algo)
    named = code.world or made_in.name
    command = f"valuescape train {named} --algo {algo} --timesteps {steps} --seed {seed}{code.command}"
    path = out or Path(f"{named.replace(':', '-').replace('/', '-')}-{algo}.safetensors")
    check_replaceable(path, code.files, force=force)
    with progress_bar(f"{algo} in {made_in.name}", steps) as update:

        def report(done: int, result: "Evaluation") -> None:
            latest = f"return {result.mean_return:.1f}, {result.terminated:.0%} terminated"
            update(completed=done, state=latest)

        checkpoint = train_checkpoint(
            made_in, algo, path, timesteps=steps, seed=seed, command=command, report=report
        )
    training = checkpoint.training
    terminal.say(
        f"wrote {path}: mean return {training.mean_return:.1f} ± {training.std_return:.1f} "
        f"over {training.episodes} episodes",
    )


def _world(code: Code, command: str, overrides: Sequence[str] | None = None) -> "AnyWorld":
    """Return the world that the options of a command choose. Raises UsageError if they choose none."""
    from valuescape.sim.config.files import load_config, overridden
    from valuescape.sim.worlds import make_world

    given = list(overrides or [])
    changes = [*code.load(given), *given]
    if "world.name" not in overridden(changes):
        raise UsageError(f"{command}: no world is named", "add --world NAME, or --env-file FILE.py")
    config = load_config(None, changes)
    world = make_world(config.world.name, config)
    for remark in world.remarks:
        err.say(remark)
    return world
