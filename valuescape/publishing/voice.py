"""Sentences for the person who trains: each kind once, through the logger `valuescape.publishing`."""

import logging

_LOG = logging.getLogger("valuescape.publishing")


class Voice:
    """Says what goes wrong with one training run's publication. It never raises, as warnings may."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._said: set[str] = set()

    def say(self, topic: str, sentence: str) -> None:
        """Log a warning, unless one of the same topic was logged before."""
        if topic not in self._said:
            self._said.add(topic)
            _LOG.warning("valuescape: %s: %s", self._name, sentence.replace("\n", ";"))
