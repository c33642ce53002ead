"""The stage of a run: its engine, the critic's landscape, and the scene that is drawn."""

import math
from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import replace

from valuescape.gpu.context import driver_info
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.shader_source import ShaderError, read_again
from valuescape.presets import other_checkpoint
from valuescape.render.displays.display import Display
from valuescape.render.scene.scene import Scene
from valuescape.run.critic_field import Landscape, critic_and_landscape, learn
from valuescape.run.live_maps import LiveMaps
from valuescape.run.map_sources.crowd import CrowdMaps
from valuescape.run.starting import Start, wait_ready
from valuescape.run.validate import trail_colors
from valuescape.run.wishes import Wishes
from valuescape.sim.changes import differing, way_of
from valuescape.sim.config.model import Config
from valuescape.sim.config.picture_sections import PLAIN_COLORS
from valuescape.sim.engine import Engine
from valuescape.sim.errors import UsageError
from valuescape.sim.insight.crowd import CrowdNumbers
from valuescape.sim.insight.plane import MapPlane, map_plane
from valuescape.sim.insight.signal_kinds import find_signal
from valuescape.sim.insight.signals import Signals
from valuescape.sim.insight.subject import Subject
from valuescape.sim.plugins.declarations import Kind
from valuescape.sim.plugins.failing import TROUBLE, PluginFailedError
from valuescape.sim.plugins.registry import PLUGINS
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.policy.training_files import Place
from valuescape.training_run import place_of, value_ends

_NOT_OF_SUBJECT = {"agents", "workers", "trails", "features"}
"""Sections of settings that change neither what agents do nor what a critic says of it."""


class Stage:
    """Everything that a run needs besides a display; a restart makes another stage.

    engine: new, so that its workers start while shaders compile; owned by the stage from now on. start: hears
    of the steps; what its `check` raises ends the making. beside: the stage whose picture this one's scene is
    drawn into, at the right of its own. Raises UsageError if the configuration cannot be shown here;
    everything is freed then.

    field_budget_s: the seconds of a frame that the critic's field may take; a longer one comes later. By
    default every call waits for it.
    config, checkpoint: those of the engine when `keep_up` looked last. started: those that it had at first.
    wishes: other settings for it. place: of the checkpoint in its training run; None without a folder of one.
    """

    def __init__(
        self,
        engine: Engine,
        checkpoint: Checkpoint | None,
        display: Display,
        meter: FrameMeter,
        start: Start,
        beside: "Stage | None" = None,
    ) -> None:
        self.config, self.engine, self.checkpoint = engine.config, engine, checkpoint
        self.started = engine.config, checkpoint
        self.wishes = Wishes(engine)
        self._generation, self._seen = engine.generation, engine.changes_made
        self._taken = -1  # the newest tick that was shown, also by a scene before this one
        self._display, self._meter, self._beside = display, meter, beside
        self.field_budget_s = math.inf
        self._signals: Signals | None = None
        self._signals_of: tuple[str, int] = "", -1
        self._owned = ExitStack()
        try:
            self._open(start)
        except BaseException:
            self._owned.close()
            raise

    def _open(self, start: Start) -> None:
        config, own, gl = self.config, self._owned, self._display.gl
        own.enter_context(self.engine)
        world, self.place = self.engine.world, place_of(config)
        other, ends = other_checkpoint(config), value_ends(config, world)
        self.subject = Subject(config, world, self.checkpoint, other, ends)
        self.driver = driver_info(gl)
        start.doing("computing the critic's field" if self.checkpoint else "making the picture")
        self.critic, self.landscape = critic_and_landscape(gl, config, world, self.checkpoint, self._meter)
        own.callback(lambda: self.landscape.release() if self.landscape else None)
        start.check()
        self.trail_colors = trail_colors(self.critic, world)
        crowd = CrowdMaps.of(self.engine, self.critic, self.checkpoint)
        value = self.critic.value if self.critic else None
        self.maps = LiveMaps(self.subject, self.engine, crowd, value)
        own.callback(self.maps.release)
        self.scene = self._make_scene(self.landscape)
        own.callback(lambda: self.scene.release())
        wait_ready(self.engine, start)

    @property
    def layers(self) -> list[str]:
        """Names of the maps that can be shown here."""
        return self.scene.fields.available

    @property
    def pixel_scale(self) -> float:
        """Framebuffer pixels per logical pixel."""
        return self._display.pixel_scale

    def keep_up(self) -> bool:
        """Take over what changes of the engine replaced; return whether there was one.

        To be called after each `check` of the engine. Maps, trails of agents that stay, and the scales of
        colours go on; a map window that has another size, as that of a flock, takes another scene.
        """
        engine, before = self.engine, self.config
        same_policy = engine.checkpoint is self.checkpoint
        if engine.config is before and same_policy and engine.generation == self._generation:
            return False
        self.config, self._generation = engine.config, engine.generation
        if self._signals:
            self._signals.renew(engine.world)
        plane = replace(self.scene.plane, world=engine.world)
        if (
            plane.bounds != self.scene.plane.bounds
            or self.config.trails.length != self.scene.trails.ring.length
        ):
            self._take_subject(plane)
            self._replace_scene(self._make_scene(self.landscape))
        elif self._is_another_subject(before):
            self._take_subject(plane)
            self.scene.take_subject(self.subject)
            self.scene.field_changed(plane)
        elif before.policy.exploration != self.config.policy.exploration:
            self._judge_anew()
        self._take_agents()
        return True

    def _is_another_subject(self, before: Config) -> bool:
        """Whether what agents do, or what a critic says, changed with a configuration; exploration apart."""
        names = set(differing(before, self.config)) - {"policy.exploration"}
        others = (each for each in names if each.partition(".")[0] not in _NOT_OF_SUBJECT)
        return self.engine.checkpoint is not self.checkpoint or any(way_of(each) for each in others)

    def _take_subject(self, plane: MapPlane) -> None:
        """Take over the checkpoint and the world of the engine."""
        engine, config, landscape = self.engine, self.config, self.landscape
        if engine.checkpoint is not self.checkpoint:
            self.checkpoint, self._signals = engine.checkpoint, None
        self.place, ends = self._training_run()
        if landscape and self.critic and self.checkpoint:
            checkpoint, meter = self.checkpoint, self._meter
            self.critic = learn(landscape, config, self.critic, checkpoint, plane, meter, self.field_budget_s)
        self.subject = Subject(config, engine.world, self.checkpoint, self.subject.other, ends)
        self.trail_colors = trail_colors(self.critic, engine.world)
        self.maps.take_subject(self.subject, self.critic.value if self.critic else None)
        self._judge_anew()

    def _training_run(self) -> tuple[Place | None, tuple[float, float] | None]:
        """Return the checkpoint's place in its training run, and the ends of V(s) over all of it."""
        try:
            return place_of(self.config), value_ends(self.config, self.engine.world)
        except UsageError:  # a file went away since it was read
            return self.place, self.subject.value_ends

    def _judge_anew(self) -> None:
        """Forget what agents got so far: it tells nothing of the critic and the policy that there are now."""
        if self.maps.crowd and self.critic:
            newest = max(self._taken, self.scene.trails.ring.newest)  # a scene that is new has none yet
            self.maps.crowd.begin_anew(self.critic, self.checkpoint, first=newest + 1)

    def _take_agents(self) -> None:
        """Take over the number of agents."""
        ring, agents = self.scene.trails.ring, self.config.agents.count
        changes, self._seen = self.engine.changes_since(self._seen), self.engine.changes_made
        # Several changes may have taken effect since the last look, and agents may have gone and come again.
        stayed = min([ring.agents, *(each.config.agents.count for each in changes)])
        if agents == ring.agents == stayed:
            return
        since = changes[-1].tick
        for count in (stayed, agents):
            if count != ring.agents:
                self.scene.resize_crowd(count, since, self.engine)
        if self.maps.crowd:
            self.maps.crowd.resize(stayed, since)

    def _make_scene(self, landscape: Landscape | None) -> Scene:
        display = self._display
        target = self._beside.scene.target if self._beside else None
        subject = replace(self.subject, config=self.config)  # agents may have come or gone since it was made
        scene = Scene(display.gl, subject, landscape, self._meter, display.pixel_scale, target=target)
        if self.critic:
            scene.fields.titles["value"] = self.critic.value_title
        scene.resize(display.size_px)
        scene.field_changed(landscape.plane if landscape else None)
        return scene

    def take_ticks(self, newest: int, color: str) -> range:
        """Bring the scene up to tick `newest`; return the ticks that are new to the run.

        color: what trails are coloured by. A scene that was made anew shows earlier ticks again, which are
        not new.
        """
        self.scene.take_ticks(self.engine, newest, self.signals(color))
        ticks = range(self._taken + 1, self.scene.trails.ring.newest + 1)
        self._taken = max(self._taken, self.scene.trails.ring.newest)
        return ticks

    def signals(self, color: str) -> Signals | None:
        """Return the signals that colour trails; None for age and agent, which are no signals."""
        if color in PLAIN_COLORS:
            return None
        engine, wanted = self.engine, (color, PLUGINS.revision)
        if self._signals is None or self._signals_of != wanted:
            signal, axes = find_signal(color, engine.world), engine.rules.map_axes
            plugged = PLUGINS.find(Kind.COLORING, color)
            section = self._meter.section(f"plug-in {color}") if plugged else None
            self._signals = Signals(signal, engine.world, engine, axes, self.critic, section)
            self._signals_of = wanted
        return self._signals

    @property
    def critic_numbers(self) -> CrowdNumbers | None:
        """Numbers about the critic that were counted last; None without any."""
        return self.maps.crowd.numbers if self.maps.crowd else None

    def count_critic_numbers(self) -> None:
        """Have numbers about the critic counted anew, from what agents got so far."""
        if self.maps.crowd:
            self.maps.crowd.count()

    def move_slice(self, values: tuple[float, ...]) -> None:
        """Show the landscape at these values of the state variables; those of the axes have no effect."""
        landscape = self.landscape
        if landscape and landscape.show(replace(landscape.plane, values=values), self.field_budget_s):
            self.scene.field_changed(landscape.plane)

    def finish_field(self) -> None:
        """Wait until the critic's field is the one that was asked for last."""
        self.field_budget_s = math.inf
        self.go_on_with_field()

    def go_on_with_field(self) -> None:
        """Go on computing the critic's field, if it takes longer than `field_budget_s`; once a frame."""
        if self.landscape and self.landscape.go_on(self.field_budget_s):
            self.scene.field_changed(self.landscape.plane)

    def reset_slice(self) -> None:
        """Show the landscape at the values that the configuration names."""
        self.move_slice(map_plane(self.config, self.engine.world).values)

    def require_no_error(self) -> None:
        """Raise RuntimeError if OpenGL has noted an error: drivers skip a wrong call silently."""
        gl = self._display.gl
        error = gl.error
        if error != "GL_NO_ERROR":
            raise RuntimeError(f"OpenGL reports {error}; {self.driver.renderer}, {self.driver.version}")

    def reload_shaders(self, tried: Collection[str] = ()) -> str:
        """Read the shaders again; make the critic's field and a scene, whose density counts from zero.

        tried: names of maps of plug-ins that have to come out right, too, whether they are shown or not.
        Returns "", or what is wrong with the shaders, with file and line; then all stays as it was.
        """
        try:
            with read_again(self._display.gl):
                landscape = self._landscape_again()
                scene = self._make_scene_of(landscape, tried)
        except (ShaderError, UsageError, PluginFailedError) as error:
            return str(error)
        self._take_drawing(landscape, scene)
        return ""

    def draw_anew(self) -> None:
        """Make the critic's field and a scene of the shaders that were read last.

        To be called when the picture that the scene is drawn into was made anew.
        """
        landscape = self._landscape_again()
        self._take_drawing(landscape, self._make_scene_of(landscape, ()))

    def _take_drawing(self, landscape: Landscape | None, scene: Scene) -> None:
        scene.trails.ring.arrivals.take_over(self.scene.trails.ring.arrivals)
        self._replace_scene(scene)
        if self.landscape:
            self.landscape.release()
        self.landscape = landscape

    def _replace_scene(self, scene: Scene) -> None:
        scene.trails.budget = self.scene.trails.budget
        self.scene.release()
        self.scene = scene

    def _make_scene_of(self, landscape: Landscape | None, tried: Collection[str]) -> Scene:
        """Return a scene of another landscape, which is released if there can be none."""
        with ExitStack() as undo:
            if landscape:
                undo.callback(landscape.release)
            scene = self._make_scene(landscape)
            undo.callback(scene.release)
            scene.fields.try_maps(tried)
            self.maps.try_maps(scene, tried)
            if off := [TROUBLE.off[key] for name in tried if (key := (Kind.LAYER, name)) in TROUBLE.off]:
                raise UsageError(off[0])
            undo.pop_all()
        return scene

    def _landscape_again(self) -> Landscape | None:
        """Return another landscape like the one that there is."""
        gl, world = self._display.gl, self.engine.world
        _, landscape = critic_and_landscape(gl, self.config, world, self.checkpoint, self._meter)
        if landscape and self.landscape:
            landscape.show(self.landscape.plane)
        return landscape

    def release(self) -> None:
        """End the workers and free everything."""
        self._owned.close()
