"""The commands that make checkpoints: `convert` and `train`."""

from pathlib import Path
from typing import Annotated

import typer

from valuescape.cli_parts import WorldFiles, load_world_files
from valuescape.terminal import out as _out


def convert(
    source: Annotated[Path, typer.Argument(help="A Stable-Baselines3 .zip, or a Valuescape .safetensors.")],
    out: Annotated[Path, typer.Argument(help="The .safetensors file to write.")],
    world: Annotated[str, typer.Option(help="The world it was trained in.")],
    vecnormalize: Annotated[
        Path | None, typer.Option(help="VecNormalize's pickle; only arrays are read, no code runs.")
    ] = None,
    world_files: WorldFiles = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> None:
    """Turn a Stable-Baselines3 checkpoint into Valuescape's own format.

    Needed when observations were normalised in training: the statistics are in a file of their own.

    [bold]Example[/]

      valuescape convert ppo.zip ppo.safetensors --world mountain_car --vecnormalize vecnormalize.pkl
    """
    from sim.policy.loading import convert as convert_checkpoint

    load_world_files(world_files)
    checkpoint = convert_checkpoint(source, out, world, vecnormalize)
    _out.print(f"wrote {out}: {checkpoint.algorithm.upper()} for {checkpoint.world}", soft_wrap=True)


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
    world_files: WorldFiles = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> None:
    """Train a policy and its critic with Stable-Baselines3 (extra `train`) and write a checkpoint.

    [bold]Example[/]  valuescape train pendulum --algo sac --seed 1 --out pendulum.safetensors
    """
    from valuescape.training import check_algorithm, default_timesteps, world_to_train_in
    from valuescape.training import train as train_checkpoint

    load_world_files(world_files)
    made_in = world_to_train_in(world)
    check_algorithm(made_in, algo)
    steps = timesteps or default_timesteps(made_in, algo)
    command = f"valuescape train {world} --algo {algo} --timesteps {steps} --seed {seed}"
    command += "".join(f" --world-file {path}" for path in world_files or ())
    path = out or Path(f"{world}-{algo}.safetensors")
    checkpoint = train_checkpoint(
        made_in, algo, path, timesteps=steps, seed=seed, command=command, show_progress=True
    )
    training = checkpoint.training
    _out.print(
        f"wrote {path}: mean return {training.mean_return:.1f} ± {training.std_return:.1f} "
        f"over {training.episodes} episodes",
        soft_wrap=True,
    )
