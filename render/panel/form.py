"""The input of the user while the panel is drawn: changes of this frame, and drafts that wait."""

from typing import Any

from imgui_bundle import imgui

from valuescape.render.panel.standing import Standing
from valuescape.render.view.changes import Change, Restart, Set, Slice, new_gesture
from valuescape.render.view.viewer import Viewer
from valuescape.sim.config.model import SettingField
from valuescape.sim.config.setting import Live
from valuescape.sim.errors import UsageError


class Form:
    """The changes that the user makes in the panel.

    changes: of this frame. drafts: values of settings that wait for a restart, by name.
    """

    viewer: Viewer
    standing: Standing

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.drafts: dict[str, Any] = {}
        self._held: dict[str, Any] = {}
        self._gesture, self._gesture_of = 0, ""

    def begin(self, viewer: Viewer, standing: Standing) -> None:
        """Begin a frame, before anything is drawn."""
        self.viewer, self.standing = viewer, standing
        self.changes = []
        if not imgui.internal.get_active_id():
            self._gesture_of = ""  # nothing is held since the last frame: what changes next is a new gesture

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
            except UsageError:
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

    def shown(self, name: str, now: Any) -> Any:
        """Return what a widget that takes effect on release shows: its own value while held, else `now`."""
        return self._held.get(name, now)

    def let_go(self, name: str, now: Any, value: Any, *, changed: bool) -> Any | None:
        """Take the value of the widget drawn last; return it when the widget is released, else None."""
        if changed:
            self._held[name] = value
        if name not in self._held or imgui.is_item_active():
            return None
        wanted = self._held.pop(name)
        return wanted if wanted != now else None

    def set_let_go(self, setting: SettingField, now: Any, value: Any, *, changed: bool) -> None:
        """Ask for another value of a live setting when the widget that was drawn last is released."""
        wanted = self.let_go(setting.name, now, value, changed=changed)
        if wanted is not None:
            self.set(setting, wanted)

    def draft(self, name: str, now: Any, wanted: Any) -> None:
        """Keep a value for the next restart; drop the draft if it is the present value."""
        self.drafts.pop(name, None)
        if wanted != now:
            self.drafts[name] = wanted

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
