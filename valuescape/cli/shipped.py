"""The command `checkpoints`: the shipped checkpoints, how each was trained, and its mean return."""

from valuescape.cli.terminal import Terminal
from valuescape.presets import configs_dir
from valuescape.sim.policy.formats.native import load
from valuescape.training.evaluate import evaluate_checkpoint
from valuescape.training.train import world_to_train_in

_SEED = 1_000_003
"""Seed of the starts of a new measurement; no training has used it."""


def show_checkpoints(console: Terminal, episodes: int) -> None:
    """Print the training and mean return of each shipped checkpoint.

    episodes: if positive, each is measured again over so many.
    """
    for path in sorted((configs_dir() / "checkpoints").glob("*.safetensors")):
        checkpoint = load(path)
        made = checkpoint.training
        console.say((checkpoint.world, "bold"))
        console.say(f"  made by      {made.command}")
        console.say(
            f"  mean return  {made.mean_return:.1f} ± {made.std_return:.1f} over {made.episodes} episodes"
        )
        if episodes:
            again = evaluate_checkpoint(checkpoint, world_to_train_in(checkpoint.world), episodes, _SEED)
            console.say(
                f"  measured now {again.mean_return:.1f} ± {again.std_return:.1f} over {episodes} others, "
                f"{again.terminated:.0%} ended by termination"
            )
