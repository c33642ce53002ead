"""Keys of the view: maps, selection, saved views, switches."""

from dataclasses import dataclass

from valuescape.render.displays.events import Action
from valuescape.render.view.camera import MapCamera, OrbitCamera
from valuescape.render.view.changes import Request, Set
from valuescape.render.view.choosing import following, linkable, partner
from valuescape.render.view.view_state import View, ViewState

ONE_MAP = "A and B show one map each, the same one"
"""Why no map can be shown beside another."""

ONE_SCALE = "A and B have one colour scale: equal colours are equal values"
"""Why two runs have no scales of their own."""

_GLOW = 0.7
"""Strength that the key switches on."""


@dataclass(frozen=True, slots=True)
class Say:
    """Show a notice: what an event did, or what it needs first."""

    notice: str


def press(view: ViewState, action: Action, number: int) -> Request | Say | None:
    """Do what a key means for the view; return the part of it that is left to the caller.

    number: the digit, or the direction, that the key stands for.
    """
    if action in _REQUESTS:
        return _REQUESTS[action]
    match action:
        case Action.BACK:
            return _back(view)
        case Action.RESET_VIEW:
            view.following = False
            view.map_goal, view.orbit_goal = MapCamera(), OrbitCamera()
        case Action.FOLLOW:
            return _follow_or_not(view)
        case Action.SAVE_VIEW:
            view.views[number] = View(view.flat, view.map_goal, view.orbit_goal)
            return Say(f"view {number} saved: {number} goes back to it")
        case Action.VIEW:
            return _go_to(view, number)
        case Action.LAYER:
            view.apply(Set("heatmap.layer", following(view.layers, view.layer, number or 1)))
        case Action.CHOOSE_LAYER:
            return _choose(view, "heatmap.layer", number, view.first_layer or view.layers[0])
        case Action.CHOOSE_BESIDE if view.versus:
            return Say(ONE_MAP)
        case Action.CHOOSE_BESIDE:
            return _choose(view, "heatmap.beside", number, "")
        case Action.BESIDE:
            return _side_by_side(view)
        case Action.LINK:
            return _link(view)
        case Action.SIDE:
            return _other_side(view)
        case Action.CHECKPOINT:
            return Request.EARLIER if number < 0 else Request.LATER
        case Action.FINDING:
            return Request.FINDING_BEFORE if number < 0 else Request.NEXT_FINDING
        case Action.TRAIL_COLOR:
            view.apply(Set("trails.color_by", following(view.trail_colors, view.trail_color)))
        case Action.GLOW:
            view.apply(Set("render.glow", 0.0 if view.looks.render.glow else _GLOW))
        case Action.PROJECTION | Action.HELP | Action.INTERFACE | Action.PROFILE | Action.BLIND:
            switch = _SWITCHES[action]
            setattr(view, switch, not getattr(view, switch))
    return None


def _choose(view: ViewState, setting: str, number: int, none: str) -> Say:
    """Show the map of a number. none: its name for the number 0."""
    if number > len(view.layers):
        return Say(f"no map {number}: there are {len(view.layers)} here ({', '.join(view.layers)})")
    name = view.layers[number - 1] if number else none
    view.apply(Set(setting, name))
    return Say(f"{'map' if setting == 'heatmap.layer' else 'beside it'}: {name or 'none'}")


def _side_by_side(view: ViewState) -> Say:
    """Show one map, or two: the one that was beside it last, or its partner."""
    if view.versus:
        return Say(ONE_MAP)
    if view.beside:
        view.beside_before = view.beside
    wanted = view.beside_before if view.beside_before in view.layers else partner(view.layers, view.layer)
    view.apply(Set("heatmap.beside", "" if view.beside else wanted))
    return Say(f"{view.layer} beside {view.beside}" if view.beside else f"{view.layer} alone")


def _other_side(view: ViewState) -> Say:
    if not view.versus:
        return Say("one run is shown: `run A --versus B` shows two side by side")
    view.side = 1 - view.side
    return Say(f"settings of a run go to {'AB'[view.side]} from now on")


def _link(view: ViewState) -> Say:
    if view.versus:
        return Say(ONE_SCALE)
    if not view.beside:
        return Say("only one map is shown: B shows two side by side")
    if not linkable(*view.shown):
        return Say(f"{view.layer} and {view.beside} show different quantities: each has its own scale")
    view.linked = not view.linked
    return Say("one colour scale for both maps" if view.linked else "each map has its own colour scale")


def _follow_or_not(view: ViewState) -> Say:
    if view.selected is None:
        return Say("no agent is selected: double-click one")
    view.following = not view.following
    return Say(f"agent {view.selected:,} is followed" + (" no longer" if not view.following else ""))


def _go_to(view: ViewState, number: int) -> Say:
    saved = view.views.get(number)
    if saved is None:
        return Say(f"no view {number} is saved: Ctrl+{number} saves one")
    view.following = False
    view.flat, view.map_goal, view.orbit_goal = saved.flat, saved.map_camera, saved.orbit_camera
    return Say(f"view {number}")


def _back(view: ViewState) -> Request | None:
    """Close the help, leave the blind mode or clear the selection, the first that applies; or leave."""
    if view.help_shown:
        view.help_shown = False
    elif view.blind:
        view.blind = False
    elif view.selected is not None or view.box or view.frame or view.place:
        view.selected, view.box, view.frame, view.following = None, None, None, False
        view.place = ""
    else:
        return Request.LEAVE
    return None


_REQUESTS = {
    action: Request(action.value)
    for action in (
        *(Action.PAUSE, Action.STEP, Action.FASTER, Action.SLOWER, Action.FIT),
        *(Action.SCREENSHOT, Action.FULL_SCREEN, Action.RELOAD, Action.UNDO, Action.REDO, Action.QUIT),
        Action.LIVE,
    )
}
"""Keys that the viewer leaves to others: the request has the key's name."""

_SWITCHES = {
    Action.PROJECTION: "flat",
    Action.HELP: "help_shown",
    Action.INTERFACE: "labels_shown",
    Action.PROFILE: "profile_shown",
    Action.BLIND: "blind",
}
