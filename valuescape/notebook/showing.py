"""`show`: a live view of a model, a checkpoint or a configuration."""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from valuescape.library.grid import Map
from valuescape.library.loading import load
from valuescape.notebook.running import Wanted
from valuescape.notebook.setting_names import setting_name
from valuescape.notebook.view import View
from valuescape.sim.config.files import Config, changed, load_config
from valuescape.sim.errors import UsageError
from valuescape.sim.paths import named_path

_LEAST_PX, _MOST_PX = 160, 4096

_PLACE = {"width": 960, "height": 540}
_CALM: Mapping[str, Any] = {"render.max_fps": 30.0}
"""Settings of a view that a configuration does not choose for itself: a page is not a game."""


def show(
    what: Any,
    *,
    width: int = 960,
    height: int = 540,
    world: Any = None,
    panel: bool = False,
    within: float = 8.0,
    given: Mapping[str, Any] | None = None,
    **settings: Any,
) -> Any:
    """Return a live view, which a notebook shows as the value of a cell; the cell that follows may be run.

    what: a model, a checkpoint's file, the folder of a training run, a shipped name: all that `load` takes;
    a configuration (`Config`, or a FILE.toml); or a `Map`, which is shown as a still picture: it is returned.
    width, height: of the picture, CSS pixels; a narrower page makes it smaller. world: as for `load`. panel:
    whether the panel of all settings is beside the picture (Tab in a window). within: seconds that the cell
    waits at most for maps of the still picture, which pages without widgets show. given: what a checkpoint's
    file lacks, as for `load`.
    settings: of the run, by their key if only one section has it, else with the section: `layer="error"`,
    `agents__count=500`; `**{"agents.count": 500}` is the same.

    Raises UsageError for anything that does not fit, and without anywidget, which is an optional extra.

        view = valuescape.show("sac.zip", layer="error")
        view
    """
    if isinstance(what, Map):
        return what
    for name, value in (("width", width), ("height", height)):
        if not (isinstance(value, int) and _LEAST_PX <= value <= _MOST_PX):
            raise UsageError(f"{name} = {value!r}: expected a whole number from {_LEAST_PX} to {_MOST_PX}")
    config, keeps = _configuration(what, world, dict(given or {}))
    chosen = {setting_name(name): value for name, value in settings.items()}
    size = {"render.width": width, "render.height": height}
    folder = Path("runs") / time.strftime("%Y-%m-%d-%H%M%S")
    wanted = Wanted(changed(config, {**_CALM, **size, **chosen}), folder, panel, within, keeps)
    return View(wanted)


def _configuration(what: Any, world: Any, given: dict[str, Any]) -> tuple[Config, object]:
    """Return the configuration to show, and what has to be kept for as long as it is in use."""
    if isinstance(what, Config):
        return what, None
    if isinstance(what, str | os.PathLike) and os.fspath(what).endswith(".toml"):
        return load_config(named_path(os.fspath(what))), None
    model = load(what, world, **given)
    return model.config, model
