"""What the panel says of a widget while the pointer rests on it: what the setting is that it changes."""

from functools import cache

from imgui_bundle import imgui

from valuescape.sim.config.files import Config

_RESTS_S = 0.5
_WIDE_EMS = 19

SETTINGS = {
    "Run": {
        "ticks/s": "sim.ticks_per_s",
        "world": "world.name",
        "agents": "agents.count",
        "workers": "workers.count",
        "seed": "run.seed",
        "trail length": "trails.length",
    },
    "View": {"layer": "heatmap.layer", "turning": "render.turn_deg_per_s"},
    "Fields": {
        "opacity": "heatmap.opacity",
        "value": "heatmap.colormap",
        "density": "heatmap.density_colormap",
        "contours": "heatmap.contours",
        "low end": "heatmap.low",
        "high end": "heatmap.high",
    },
    "Trails and agents": {
        "colour": "trails.color_by",
        "opacity": "trails.opacity",
        "width": "trails.width_px",
        "size": "agents.size_px",
        "mark ends of episodes": "trails.end_marks",
        "segments": "lod.segment_budget",
    },
    "Axes and slice": {"along x": "heatmap.axes", "along y": "heatmap.axes"},
    "Effects": {"glow": "render.glow", "tone mapping": "render.tone_mapping"},
}
"""The panel's sections, the labels of their widgets, and the settings that these change."""


@cache
def description(key: str) -> str:
    """Return a setting's name and its own description. key: `section.name`."""
    section, name = key.split(".")
    sections = Config.model_fields[section].annotation
    assert sections is not None
    return f"{key}: {sections.model_fields[name].description}"


class Tips:
    """Tells of the widget that the pointer rests on."""

    def __init__(self) -> None:
        self._resting_on, self._rested_s = 0, 0.0

    def show(self) -> str:
        """Draw a tip if it is time for one; the window of the widgets must be open. Returns what it says."""
        hovered = imgui.internal.get_hovered_id()
        if hovered != self._resting_on:
            self._resting_on, self._rested_s = hovered, 0.0
        self._rested_s += imgui.get_io().delta_time
        if not hovered or self._rested_s < _RESTS_S:
            return ""
        said = _texts().get(hovered, "")
        if said and imgui.begin_tooltip():
            imgui.push_text_wrap_pos(_WIDE_EMS * imgui.get_font_size())
            imgui.text_unformatted(said)
            imgui.pop_text_wrap_pos()
            imgui.end_tooltip()
        return said


def _texts() -> dict[int, str]:
    """Return what is said of each widget, by its ID in the window that is open."""
    texts = {}
    for section, settings in SETTINGS.items():
        imgui.push_id(section)
        for label, key in settings.items():
            texts[imgui.get_id(label)] = description(key)
            imgui.push_id(label)  # a number with buttons is a group of its own
            texts[imgui.get_id("")] = description(key)
            imgui.pop_id()
        imgui.pop_id()
    return texts
