"""`show`: a live view of a model, a checkpoint or a configuration."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from valuescape.library.arguments import whole
from valuescape.library.grid import Map
from valuescape.library.loading import ModelSource
from valuescape.library.session import config_of
from valuescape.library.worlds import WorldSource
from valuescape.notebook.running import Wanted
from valuescape.notebook.setting_names import setting_name
from valuescape.notebook.view import View
from valuescape.sim.config.files import Config, changed

_LEAST_PX, _MOST_PX = 160, 4096

_CALM: Mapping[str, Any] = {"render.max_fps": 30.0}
"""Settings of a view on a page: it leaves more of the machine to the cells than a window does."""

if TYPE_CHECKING:
    Source = ModelSource | Config


@overload
def show(source: Map) -> Map: ...


@overload
def show(
    source: "Source" = "demo",
    settings: Mapping[str, Any] | None = None,
    *,
    width: int = 960,
    height: int = 540,
    world: WorldSource | None = None,
    panel: bool = False,
    within: float = 8.0,
    **named: Any,
) -> View: ...


def show(
    source: "Source | Map" = "demo",
    settings: Mapping[str, Any] | None = None,
    *,
    width: int = 960,
    height: int = 540,
    world: WorldSource | None = None,
    panel: bool = False,
    within: float = 8.0,
    **named: Any,
) -> View | Map:
    """Return a live view, which a notebook shows as the value of a cell. Later cells can be run meanwhile.

    source: a preset ("demo"), a configuration file, a `Config`, or whatever `load` takes: a model, a
    checkpoint's file, the folder of a training run. A `Map` is returned as it is: a still picture.
    settings: of the run, by their names in docs/configuration.md: {"agents.count": 500}. named: the same as
    keyword arguments, by their key if only one section has it, else with the section: layer="error",
    agents__count=500. width, height: of the picture on the page, CSS pixels; a narrower page makes it
    smaller. world: as for `load`. panel: whether the panel of all settings is beside the picture. within:
    seconds that the cell waits at most for maps in the still picture, which pages without widgets show.

    Raises UsageError for anything that does not fit, and without anywidget, which is an optional extra.

        view = valuescape.show("sac.zip", layer="error")
        view
    """
    if isinstance(source, Map):
        return source
    size = {
        "render.width": whole(width, "width", _LEAST_PX, _MOST_PX),
        "render.height": whole(height, "height", _LEAST_PX, _MOST_PX),
    }
    config, keeps = config_of(source, world)
    asked = {**(settings or {}), **{setting_name(name): value for name, value in named.items()}}
    folder = Path("runs") / time.strftime("%Y-%m-%d-%H%M%S")
    return View(Wanted(changed(config, {**_CALM, **size, **asked}), folder, panel, within, keeps))
