"""The option that says in which units a critic learned; light enough to import for a command line."""

from enum import StrEnum


class RewardUnits(StrEnum):
    """Whether the critic learned from normalised rewards: AUTO decides by the file and trial episodes."""

    AUTO = "auto"
    ON = "on"
    OFF = "off"
