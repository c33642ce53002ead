"""The commands `convert` and `train`, which write checkpoints."""

from pathlib import Path
from typing import Annotated

import typer

from valuescape.cli.console import load_code
from valuescape.cli.options import Debug, Plugins, WorldFiles
from valuescape.cli.terminal import err
from valuescape.cli.terminal import out as terminal
from valuescape.sim.policy.reward_units import RewardUnits

_Force = Annotated[
    bool, typer.Option("--force", help="Replace the file to write even if it is no checkpoint of ours.")
]


def convert(
    source: Annotated[Path, typer.Argument(help="A Stable-Baselines3 .zip, or a Valuescape .safetensors.")],
    out: Annotated[Path, typer.Argument(help="The .safetensors file to write.")],
    world: Annotated[str, typer.Option(help="The world it was trained in.")],
    vecnormalize: Annotated[
        Path | None,
        typer.Option(
            help="VecNormalize's pickle, which is read as data; looked for beside a zip if not given."
        ),
    ] = None,
    reward_normalization: Annotated[
        RewardUnits,
        typer.Option(
            help="Whether the critic learned from rewards that VecNormalize divided; auto: as its file says, "
            "unless the agents' returns contradict it."
        ),
    ] = RewardUnits.AUTO,
    force: _Force = False,
    world_files: WorldFiles = None,
    plugins: Plugins = None,
    debug: Debug = False,
) -> None:
    """Turn a Stable-Baselines3 checkpoint into Valuescape's own format.

    Adds VecNormalize's statistics of observations and rewards, which are in a file of their own.

    [bold]Example[/]

      valuescape convert ppo.zip ppo.safetensors --world mountain_car --vecnormalize vecnormalize.pkl
    """
    from valuescape.sim.policy.conversion import convert as convert_checkpoint
    from valuescape.sim.policy.formats.given import Given
    from valuescape.sim.policy.formats.native import check_replaceable

    check_replaceable(out, [*(world_files or []), *(plugins or [])], force=force)
    load_code(world_files, plugins)
    given = Given(obs_normalization=vecnormalize)
    checkpoint = convert_checkpoint(source, out, world, given, reward_normalization, force=force)
    for remark in checkpoint.remarks:
        err.say(remark)
    norm = checkpoint.reward_normalization
    units = f", rewards / {norm.scale:.4g} in training" if norm else ""
    terminal.say(f"wrote {out}: {checkpoint.algorithm.upper()} for {checkpoint.world}{units}")


def train(
    world: Annotated[str, typer.Argument(help="The world to train in.")],
    algo: Annotated[str, typer.Option(help="sac, td3, ddpg, dqn, ppo or a2c.")] = "sac",
    timesteps: Annotated[
        int | None, typer.Option(min=1, help="Environment steps; the algorithm's default if not given.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the training.")] = 0,
    out: Annotated[
        Path | None, typer.Option(help="File to write; WORLD-ALGO.safetensors if not given.")
    ] = None,
    force: _Force = False,
    world_files: WorldFiles = None,
    plugins: Plugins = None,
    debug: Debug = False,
) -> None:
    """Train a policy and its critic with Stable-Baselines3 (extra `train`) and write a checkpoint.

    [bold]Examples[/]

      valuescape train pendulum --algo sac --seed 1 --out pendulum.safetensors

      valuescape train gymnasium:CartPole-v1 --algo ppo --out cartpole.safetensors
    """
    from valuescape.sim.policy.formats.native import check_replaceable
    from valuescape.training.train import check_algorithm, default_timesteps, world_to_train_in
    from valuescape.training.train import train as train_checkpoint

    load_code(world_files, plugins)
    made_in = world_to_train_in(world)
    check_algorithm(made_in, algo)
    steps = timesteps or default_timesteps(made_in, algo)
    command = f"valuescape train {world} --algo {algo} --timesteps {steps} --seed {seed}"
    command += "".join(f" --world-file {path}" for path in world_files or ())
    command += "".join(f" --plugin {path}" for path in plugins or ())
    path = out or Path(f"{world.replace(':', '-').replace('/', '-')}-{algo}.safetensors")
    check_replaceable(path, [*(world_files or []), *(plugins or [])], force=force)
    checkpoint = train_checkpoint(
        made_in, algo, path, timesteps=steps, seed=seed, command=command, show_progress=True
    )
    training = checkpoint.training
    terminal.say(
        f"wrote {path}: mean return {training.mean_return:.1f} ± {training.std_return:.1f} "
        f"over {training.episodes} episodes",
    )
