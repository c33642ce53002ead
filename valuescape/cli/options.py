"""Options that several commands have, each declared once."""

import json
from pathlib import Path
from typing import Annotated

import typer

Preset = Annotated[str, typer.Argument(help="A preset, a FILE.toml or a trained MODEL to start from.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Change a setting; may be given often."),
]
Cluster = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        metavar="CLUSTER",
        help="Work on the nodes of a Ray cluster, as workers.cluster: auto (the one that this machine is "
        "part of), local (one for this command), ray://HOST:PORT or HOST:PORT.",
    ),
]


def cluster_changes(cluster: Cluster) -> list[str]:
    """Return the change to a configuration that the option stands for."""
    return [] if cluster is None else [f"workers.cluster={json.dumps(cluster, ensure_ascii=False)}"]


WorldFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--world-file",
        metavar="FILE.py",
        help="Run this Python file, and use the worlds of valuescape.api that it defines; may be given "
        "often.",
    ),
]
Plugins = Annotated[
    list[Path] | None,
    typer.Option(
        "--plugin",
        metavar="FILE.py",
        help="Run this Python file, and use the plug-ins and worlds it declares; may be given often.",
    ),
]
EnvFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--env-file",
        metavar="FILE.py",
        help="Run this Python file, and take the Gymnasium environment that it registers or defines as the "
        "world; of several, --world says which.",
    ),
]
World = Annotated[
    str | None,
    typer.Option(
        "--world",
        metavar="WORLD",
        help="The world: a name of this program's, gymnasium:ID, or your own environment's "
        "module:ClassOrFunction, whose module is imported, from this folder too.",
    ),
]
EnvArguments = Annotated[
    list[str] | None,
    typer.Option(
        "--env-kwargs",
        metavar="NAME=VALUE",
        help="An argument of the environment, as world.env.NAME; may be given often.",
    ),
]
EpisodeLimit = Annotated[
    int | None,
    typer.Option(
        "--max-episode-steps", min=1, help="Steps of the environment's episodes, as world.max_episode_steps."
    ),
]
Activation = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Activation between the networks' layers, if the file does not say it: tanh, relu …",
    ),
]
Gamma = Annotated[
    float | None,
    typer.Option(min=0, max=1, help="Discount that the critic learned with, if the file does not say it."),
]
Algorithm = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Algorithm of the training, if the file does not say it: ppo, sac …"),
]
ObsNormalization = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Mean and var or std of observations in training: VecNormalize's .pkl, .npz, .json …",
    ),
]
RewardScale = Annotated[
    float | None,
    typer.Option(
        metavar="FACTOR",
        help="What rewards were multiplied by in training, if the file does not say it: 0.1.",
    ),
]
NamesMap = Annotated[
    Path | None,
    typer.Option(
        "--map", metavar="FILE.toml", help='Names of the networks\' tensors: \\[map] critic = "qf1".'
    ),
]


def stated_changes(
    activation: Activation = None,
    gamma: Gamma = None,
    algorithm: Algorithm = None,
    obs_normalization: ObsNormalization = None,
    names: NamesMap = None,
    reward_scale: RewardScale = None,
) -> list[str]:
    """Return the changes to a configuration that the options about a checkpoint stand for.

    Activation and algorithm may be spelt as their libraries do: ReLU, PPO.
    """
    from valuescape.sim.policy.formats.algorithms import algorithm_named
    from valuescape.sim.policy.formats.given import activation_named

    stated = {
        "activation": activation and activation_named(activation),
        "gamma": gamma,
        "algorithm": algorithm and algorithm_named(algorithm),
        "obs_normalization": obs_normalization,
        "names": names,
        "reward_scale": reward_scale,
    }
    return [
        f"policy.{key}={json.dumps(value if isinstance(value, float) else str(value), ensure_ascii=False)}"
        for key, value in stated.items()
        if value is not None
    ]


def stated_options(changes: list[str]) -> list[str]:
    """Return the options that `stated_changes` made the changes of."""
    parts = []
    for change in changes:
        name, _, value = change.partition("=")
        key = name.removeprefix("policy.")
        parts += ["--map" if key == "names" else f"--{key.replace('_', '-')}", str(json.loads(value))]
    return parts


JsonFile = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Write the figures to this file.")
]
HtmlFile = Annotated[Path, typer.Option(metavar="FILE", help="The HTML report.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show tracebacks.")]
