"""Maps of belief, truth and error: captions, checkpoints, and the options of `valuescape analyze`."""

import os
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "configs" / "checkpoints"


@dataclass(frozen=True)
class Maps:
    """Belief, truth and error of a checkpoint: the stem of its file's name, and the options of `analyze`.

    A checkpoint that this project did not train is made into a picture if `ZOO` names the folder that has it.
    """

    name: str
    text: str
    checkpoint: str
    options: tuple[str, ...]

    @property
    def file(self) -> Path | None:
        """The checkpoint's file; None if it is not here."""
        for folder in (SHIPPED, Path(os.environ.get("ZOO", "."))):
            if (folder / self.checkpoint).is_file():
                return folder / self.checkpoint
        return None

    def arguments(self, file: Path, folder: Path) -> list[str]:
        """Return the arguments of `valuescape` that analyse `file` into `folder`."""
        return ["analyze", str(file), *self.options, "--out", str(folder)]


MAPS = (
    Maps(
        "belief-dqn",
        "A DQN of the mountain car (RL Baselines3 Zoo): the truth has a cliff, the network draws a slope.",
        "dqn-MountainCar-v0.zip",
        (),
    ),
    Maps(
        "belief-cartpole",
        "A PPO of the cart-pole, trained by this project: it hardly knows the danger at the left edge of the "
        "track, and not the one at the right.",
        "cartpole.safetensors",
        ("--cells", "96", "--rollouts", "16"),
    ),
    Maps(
        "belief-pendulum",
        "SAC on the pendulum, trained by this project: about right where it swings up and balances, wrong on "
        "both sides of the lines at which one more swing is needed.",
        "pendulum.safetensors",
        ("--cells", "96", "--rollouts", "16"),
    ),
    Maps(
        "belief-sac",
        "SAC on the pendulum (RL Baselines3 Zoo, 2020): too hopeful nearly everywhere.",
        "sac-Pendulum-v1.zip",
        ("--cells", "96", "--rollouts", "16"),
    ),
    Maps(
        "belief-tqc",
        "TQC on the mountain car with a continuous force (RL Baselines3 Zoo): the valley pays more than the "
        "goal, because entropy is rewarded there, and the critic does not know it.",
        "tqc-MountainCarContinuous-v0.zip",
        ("--cells", "96", "--rollouts", "16"),
    ),
)
