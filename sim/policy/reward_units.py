"""Whether a critic learned from normalised rewards; imports nothing, so that a command line may name it."""

from enum import StrEnum


class RewardUnits(StrEnum):
    """Whether the critic learned from normalised rewards: as file and world say, or as told."""

    AUTO = "auto"
    ON = "on"
    OFF = "off"
