"""Settings of a run's engine that are to be others: collected during a frame, then asked for together."""

from typing import Any

from valuescape.presets import acting_checkpoint
from valuescape.sim.changes import Wanted, differing
from valuescape.sim.config.files import Config, changed
from valuescape.sim.config.model import settings_of
from valuescape.sim.engine import Engine
from valuescape.sim.policy.network import Checkpoint


class Wishes:
    """Other settings for an engine. Those of one frame are one change, which takes effect at one tick."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._wanted: Wanted | None = None  # the engine was not asked for it yet

    @property
    def config(self) -> Config:
        """The configuration that the engine will have once all changes have taken effect."""
        return (self._wanted or self._engine.asked).config

    def wish(self, name: str, value: Any) -> None:
        """Have a setting changed with the next `ask`.

        Raises UsageError if the value does not fit or cannot change, or names a checkpoint that cannot act
        here.
        """
        wanted = self._wanted or self._engine.asked
        config, checkpoint = changed(wanted.config, {name: value}), wanted.checkpoint
        if name == "policy.steps" and value != wanted.config.policy.steps:
            checkpoint = acting_checkpoint(config, self._engine.world)
        other = Wanted(config, checkpoint, wanted.plugins)
        self._engine.require_change(other)
        self._wanted = other

    def act_with(self, steps: int, checkpoint: Checkpoint, folder: str | None = None) -> None:
        """Have a checkpoint act that was read already.

        folder: of its training run, as `policy.checkpoint` is to name it; None for the one that it names.
        """
        wanted = self._wanted or self._engine.asked
        other = {} if folder is None else {"policy.checkpoint": folder}
        config = changed(wanted.config, {**other, "policy.steps": steps})
        self._wanted = Wanted(config, checkpoint, wanted.plugins)

    def ask(self) -> None:
        """Ask the engine for all that is wished. Raises UsageError if it cannot go on so; nothing changes."""
        wanted, self._wanted = self._wanted, None
        if wanted:
            self._engine.change(wanted.config, wanted.checkpoint)

    @property
    def under_way(self) -> str:
        """The settings that are about to change, in words; "" if none is."""
        if not (self._wanted or self._engine.changing):
            return ""
        return in_words(self._engine.config, self.config)


def in_words(before: Config, after: Config) -> str:
    """Return the settings that differ, with both values: `agents.count 240 → 480, workers.count 1 → 2`."""
    settings = settings_of(type(after))
    return ", ".join(
        f"{name} {_said(settings[name].value_in(before))} → {_said(settings[name].value_in(after))}"
        for name in differing(before, after)
    )


def _said(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
