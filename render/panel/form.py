"""The input of the user in the panel: changes that were just asked for, and drafts that wait."""

from typing import Any

from valuescape.render.panel.standing import Standing
from valuescape.render.view.changes import Change, Restart, Set, Slice, new_gesture
from valuescape.render.view.viewer import Viewer
from valuescape.sim.config.model import SettingField, settings_of
from valuescape.sim.config.setting import Live
from valuescape.sim.errors import UsageError


class Form:
    """The changes that the user makes in the panel.

    changes: since `begin`. refused: why the last one of a look was not asked for; "" if it was. drafts:
    values of settings that wait for a restart, by name.
    """

    viewer: Viewer
    standing: Standing

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.refused = ""
        self.drafts: dict[str, Any] = {}
        self._gesture, self._gesture_of = 0, ""

    def begin(self, viewer: Viewer, standing: Standing, *, holding: bool) -> None:
        """Begin a frame, before anything is drawn.

        holding: whether a widget has been held since the frame before; else the next change is a new gesture.
        """
        self.viewer, self.standing = viewer, standing
        self.changes, self.refused = [], ""
        if not holding:
            self._gesture_of = ""
        for name, value in self._true_drafts():
            if self.drafts[name] == value:
                del self.drafts[name]

    def _true_drafts(self) -> list[tuple[str, Any]]:
        """Return the drafts' settings with the values that they have now."""
        config = self.standing.config
        declared = settings_of(type(config))
        return [(name, declared[name].value_in(config)) for name in self.drafts if name in declared]

    def now(self, setting: SettingField) -> Any:
        """Return the value that a setting has in the run at this moment."""
        match setting.declared.live:
            case Live.LOOKS | Live.VIEW:
                return self.viewer.value(setting.name)
            case Live.RUN:
                return self.standing.live[setting.name]
        return setting.value_in(self.standing.config)

    def set(self, setting: SettingField, value: Any) -> None:
        """Ask for another value of a live setting, unless it does not fit, such as a number half typed."""
        if setting.declared.live is Live.LOOKS:
            try:
                self.viewer.looks.having(setting.name, value)
            except UsageError as error:
                self.refused = str(error)
                return
        self.set_named(setting.name, value)

    def set_named(self, name: str, value: Any) -> None:
        """Ask for another value of a live setting, or of an entry of a table, by its name."""
        self.ask(Set(name, value, self._gesture_for(name)))

    def move_slice(self, values: tuple[float, ...]) -> None:
        """Ask for another slice."""
        self.ask(Slice(values, self._gesture_for("heatmap.slice")))

    def ask(self, change: Change) -> None:
        """Ask for any change."""
        self.changes.append(change)

    def draft(self, setting: SettingField, wanted: Any) -> None:
        """Keep a value for the next restart; drop the draft if it is the present value."""
        self.drafts.pop(setting.name, None)
        if wanted != setting.value_in(self.standing.config):
            self.drafts[setting.name] = wanted

    def restart(self) -> None:
        """Ask for a restart with the drafts, if there are any.

        The drafts stay until the run has their values: they survive a restart that is cancelled or refused.
        """
        changes = dict(self.drafts)
        if "world.name" in changes:  # these were meant for another world
            changes |= {"heatmap.axes": "auto", "heatmap.slice": ""}
            changes |= {"policy.checkpoint": "auto", "policy.steps": "last"}
        self.ask(Restart(changes))

    def _gesture_for(self, name: str) -> int:
        """Return the gesture of a change: the same for as long as one widget is held."""
        if name != self._gesture_of:
            self._gesture, self._gesture_of = new_gesture(), name
        return self._gesture
