"""`show`: a live view of a model, a checkpoint or a configuration."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from valuescape.attached.opening import Opened
from valuescape.library.arguments import whole
from valuescape.library.grid import Map
from valuescape.library.loading import ModelSource
from valuescape.library.session import config_of
from valuescape.library.worlds import WorldSource
from valuescape.notebook.following import opened_run
from valuescape.notebook.running import Wanted
from valuescape.notebook.setting_names import setting_name
from valuescape.notebook.view import View
from valuescape.presets import config_path
from valuescape.publishing.publisher import Publisher
from valuescape.sim.config.files import Config, changed, load_config

_LEAST_PX, _MOST_PX = 160, 4096

_CALM: Mapping[str, Any] = {"render.max_fps": 30.0}
"""Settings of a view on a page: it leaves more of the machine to the cells than a window does."""

if TYPE_CHECKING:
    Source = ModelSource | Config


@overload
def show(source: Map) -> Map: ...


@overload
def show(
    source: "Source | Publisher" = "demo",
    settings: Mapping[str, Any] | None = None,
    *,
    attach: str | None = None,
    width: int = 960,
    height: int = 540,
    world: WorldSource | None = None,
    panel: bool = False,
    within: float = 8.0,
    **named: Any,
) -> View: ...


def show(
    source: "Source | Publisher | Map" = "demo",
    settings: Mapping[str, Any] | None = None,
    *,
    attach: str | None = None,
    width: int = 960,
    height: int = 540,
    world: WorldSource | None = None,
    panel: bool = False,
    within: float = 8.0,
    **named: Any,
) -> View | Map:
    """Return a live view, which a notebook shows as the value of a cell. Later cells can be run meanwhile.

    source: a preset ("demo"), a configuration file, a `Config`, or whatever `load` takes: a model, a
    checkpoint's file, the folder of a training run. A file that lacks something is loaded first, as
    show(load(file, activation="tanh")). A `Map` is returned as it is: a still picture. attach:
    the training run to follow while it goes on, by the name that it is published by, or its folder, as
    `valuescape attach` takes it; so does a `Publisher` as source. The first update is waited for.
    settings: of the run, by their names in docs/configuration.md: {"agents.count": 500}. named: the same as
    keyword arguments, by their key if only one section has it, else with the section: layer="error",
    agents__count=500. width, height: of the picture on the page, CSS pixels; a narrower page makes it
    smaller. world: as for `load`. panel: whether the panel of all settings is beside the picture. within:
    seconds that the cell waits at most for maps in the still picture, which pages without widgets show.
    Outside of a notebook nothing is shown, but the view can be asked for pictures.

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
    name = source.name if isinstance(source, Publisher) else attach
    training = None if name is None else opened_run(name)
    config, keeps = _config_of_run(training) if training else config_of(source, world)
    asked = {**(settings or {}), **{setting_name(name): value for name, value in named.items()}}
    folder = Path("runs") / time.strftime("%Y-%m-%d-%H%M%S")
    return View(Wanted(changed(config, {**_CALM, **size, **asked}), folder, panel, within, keeps, training))


def _config_of_run(training: Opened) -> tuple[Config, object]:
    """Return the configuration that shows a training run that goes on, and what it names in memory."""
    steps = {"policy.steps": training.history.files().saved[-1].steps}
    if training.world:
        return changed(load_config(config_path("demo")), {**training.changes, **steps}), None
    config, keeps = config_of(str(training.history.folder), None)
    return changed(config, steps), keeps
