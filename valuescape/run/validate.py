"""All checks of a configuration in one call, before anything is started or changed."""

from valuescape import remarks
from valuescape.costs.alarms import parse_alarms
from valuescape.gpu.layers.registry import MAPS
from valuescape.presets import acting_checkpoint, other_checkpoint
from valuescape.sim.arrays import Float32Array
from valuescape.sim.cluster.requirements import require_cluster
from valuescape.sim.config.checks import require_scale_ends
from valuescape.sim.config.files import changed
from valuescape.sim.config.model import Config
from valuescape.sim.config.picture_sections import PLAIN_COLORS
from valuescape.sim.errors import UsageError
from valuescape.sim.insight.actions import require_actions
from valuescape.sim.insight.parameter_signals import is_alike
from valuescape.sim.insight.place import require_place
from valuescape.sim.insight.plane import map_plane
from valuescape.sim.insight.signal_kinds import available, find_signal
from valuescape.sim.insight.signals import Critic
from valuescape.sim.insight.subject import Subject
from valuescape.sim.plugins.configured import load_configured
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.stepping.choose import require_tabulable, tabulation_of
from valuescape.sim.worlds import World, make_world
from valuescape.training_run import value_ends


def validate(config: Config) -> Checkpoint | None:
    """Return the checkpoint of a configuration that can be run and shown; None if it has none.

    Raises UsageError naming the key, its value and what was expected. In this order:

    - types and bounds of each setting, as pydantic checks them when a configuration is read;
    - `plugins.modules`, which are imported, with those that installed packages announce;
    - settings against each other: the ends of the colour scale, `trails.renderer` and `render.msaa`;
    - `heatmap.layer` and `heatmap.beside` against the maps there are;
    - `health.alarms`: its syntax and the names in it;
    - `world.name`, which makes the world, and the name in `trails.color_by`;
      then `heatmap.axes` and `heatmap.slice` against its state variables,
      `render.place` against its map, `insight.action` and `insight.over` against its actions;
    - `workers.cluster`: its form, and whether the world's agents can be divided among nodes;
    - `policy.checkpoint` and `policy.steps`, which load the file, and whether it fits the world; of a folder,
      all of its checkpoints;
    - `policy.tabulated`, whose error is measured and told;
    - `insight.compare_with` likewise, and `heatmap.layer` and `heatmap.beside` against what the maps need;
    - `trails.color_by` against what the critic can tell.

    Not checked is what only a start can find out: limits of the machine (memory, files, processes), whether
    a world compiles, and what a TorchScript file contains.
    """
    changed(config, {})
    load_configured(config.plugins, lambda said: remarks.tell([said]))
    require_scale_ends(config.heatmap)
    _require_renderer(config)
    for setting, name in _maps(config).items():
        MAPS.find(name, setting)  # a misspelt name, before anything takes time
    parse_alarms(config.health.alarms)
    world = make_world(config.world.name, config)
    remarks.tell(world.remarks)
    require_cluster(config, world)
    _require_known(config.trails.color_by, world)
    require_place(config.render.place, map_plane(config, world))
    require_actions(config.insight, world)
    checkpoint = acting_checkpoint(config, world)
    require_tabulable(config, world, checkpoint)
    if error := tabulation_of(config, world, checkpoint):
        remarks.tell([str(error)])
    subject = Subject(config, world, checkpoint, other_checkpoint(config), value_ends(config, world))
    for setting, name in _maps(config).items():
        MAPS.require(name, subject, setting)
    require_color(config.trails.color_by, _critic(config, checkpoint), world)
    return checkpoint


def _require_renderer(config: Config) -> None:
    """Raise UsageError if trails are to be summed, which takes one depth a pixel, but pixels have several."""
    if config.trails.renderer == "compute" and config.render.msaa:
        raise UsageError(
            f"trails.renderer = 'compute', but render.msaa = {config.render.msaa}",
            "set render.msaa = 0: trails are smooth without it",
        )


def _maps(config: Config) -> dict[str, str]:
    """Return the names of the maps that a configuration shows, by the setting."""
    named = {"heatmap.layer": config.heatmap.layer, "heatmap.beside": config.heatmap.beside}
    return {setting: name for setting, name in named.items() if name or setting == "heatmap.layer"}


def trail_colors(critic: Critic | None, world: World) -> list[str]:
    """Return what a trail's colour can say in a world with this critic, or without one."""
    return [*PLAIN_COLORS, *(each.name for each in available(critic, world))]


def _require_known(color: str, world: World) -> None:
    """Raise UsageError if nothing has that colour's name: a misspelt one, before a file is read."""
    if color not in PLAIN_COLORS:
        find_signal(color, world)


def require_color(color: str, critic: Critic | None, world: World) -> None:
    """Raise UsageError unless `trails.color_by` = `color` is known and has the critic that it needs.

    It may need one whose discount is known.
    """
    colors = trail_colors(critic, world)
    if color in colors:
        return
    _require_known(color, world)
    if is_alike(color, world):
        raise UsageError(
            f"trails.color_by = {color!r}, but all agents have the same {color}",
            f'spread it over the agents: world.parameters.{color} = "low..high"',
        )
    others = f"or take one of {', '.join(colors)}"
    if critic:
        raise UsageError(
            f"trails.color_by = {color!r}, but with which discount (gamma) the critic learned is unknown",
            f"name the checkpoint that the TorchScript belongs to (policy.checkpoint), {others}",
        )
    raise UsageError(
        f"trails.color_by = {color!r}, but there is no critic that could tell",
        f"name a checkpoint (policy.checkpoint), {others}",
    )


def require_agent(config: Config) -> None:
    """Raise UsageError if `render.select` numbers an agent that there is not."""
    if config.render.select >= config.agents.count:
        raise UsageError(
            f"render.select = {config.render.select}, expected less than agents.count = {config.agents.count}"
        )


def _critic(config: Config, checkpoint: Checkpoint | None) -> Critic | None:
    """Return the critic that will be shown, as far as it is known before its network is loaded."""
    if checkpoint is None and not config.policy.torchscript_critic:
        return None
    return Critic(_not_loaded, checkpoint.gamma if checkpoint else None)


def _not_loaded(obs: Float32Array) -> Float32Array:
    raise AssertionError("this critic tells which colours there are, not values")
