"""The checkpoints that come with the program: what they are, how they were made, what they are worth."""

from rich.console import Console

from sim.policy.store import load
from valuescape.evaluation import evaluate_checkpoint
from valuescape.presets import configs_dir
from valuescape.training import world_to_train_in

_SEED = 1_000_003
"""Of the starts for a new measurement: none that a training has used."""


def show_checkpoints(console: Console, episodes: int) -> None:
    """Print what is known of each shipped checkpoint; with `episodes` > 0 each is measured again."""
    for path in sorted((configs_dir() / "checkpoints").glob("*.safetensors")):
        checkpoint = load(path)
        made = checkpoint.training
        console.print(f"[bold]{checkpoint.world}[/]", soft_wrap=True)
        console.print(f"  made by      {made.command}", soft_wrap=True)
        console.print(
            f"  mean return  {made.mean_return:.1f} ± {made.std_return:.1f} over {made.episodes} episodes",
            soft_wrap=True,
        )
        if episodes:
            again = evaluate_checkpoint(checkpoint, world_to_train_in(checkpoint.world), episodes, _SEED)
            console.print(
                f"  measured now {again.mean_return:.1f} ± {again.std_return:.1f} over {episodes} others, "
                f"{again.terminated:.0%} ended by termination",
                soft_wrap=True,
            )
