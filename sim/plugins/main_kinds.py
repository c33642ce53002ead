"""The decorators of plug-ins that run in the main process: systems, panels, map layers."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from valuescape.sim.errors import UsageError
from valuescape.sim.plugins.declarations import Kind
from valuescape.sim.plugins.registry import declare
from valuescape.sim.plugins.run import Run
from valuescape.sim.plugins.scan import named
from valuescape.sim.plugins.widgets import Panel

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class MainSystem:
    """The interval at which a system of the main process is called: in ticks, or with every frame."""

    every: int | Literal["frame"]


def main_system(
    *, every: int | Literal["frame"] = 1, name: str = "", needs: Iterable[str] | str = ()
) -> Callable[[F], F]:
    """Declare a system of the main process: statistics, a log, an alarm.

    every: the system is called with a `Run` at each tick that is a multiple of this number; with "frame",
    once a frame, at the newest tick. Without features.async_physics, and in videos, no tick is missed. Beside
    a fast simulation, ticks whose rows are overwritten before a frame sees them are left out (`Run.missed`).

    A function is called each time. From a class, one object is made with the `Run` when a run starts; the
    object is called each time, and its method `close`, if it has one, when the run ends.

    name: by default that of the function or class, in small letters. needs: names of plug-ins that run
    before it. Raises UsageError for a name that is taken.
    """
    if every != "frame" and (not isinstance(every, int) or every < 1):
        raise UsageError(
            f"main_system: every = {every!r}", 'expected a number of ticks from 1 on, or "frame"'
        )

    def declared(function: F) -> F:
        _require_takes_run(function)
        declare(Kind.SYSTEM, name or _named(function), function, needs, MainSystem(every))
        return function

    return declared


@dataclass(frozen=True, slots=True)
class PanelSection:
    """The heading of a plug-in's section in the panel."""

    title: str


P = TypeVar("P", bound=Callable[[Panel, Run], None])


def panel(*, title: str = "", name: str = "", needs: Iterable[str] | str = ()) -> Callable[[P], P]:
    """Declare a section of the panel beside the picture.

    The function takes a `Panel`, by whose methods it adds widgets from top to bottom, and the `Run`. It is
    called whenever the panel is drawn, up to twenty times a second, and returns nothing. title: the heading;
    by default the name. Raises UsageError for a name that is taken.
    """

    def declared(function: P) -> P:
        own = name or _named(function)
        declare(Kind.PANEL, own, function, needs, PanelSection(title or own.replace("_", " ")))
        return function

    return declared


@dataclass(frozen=True, slots=True)
class LayerLook:
    """The texts and the colours of a map layer in the picture.

    title, unit: of the colour bar. meaning: the line that explains the map. low, high: ends of the colour
    scale; None follows the values. centred: 0 is in the middle of the scale. colormap: one of
    `heatmap.colormap`. names: of the values 0, 1, 2 …, if each stands for a category. contours: draw contour
    lines.
    """

    title: str
    unit: str = ""
    meaning: str = ""
    low: float | None = None
    high: float | None = None
    centred: bool = False
    colormap: str = "auto"
    names: tuple[str, ...] = ()
    contours: bool = False


LayerInput = Literal["critic", "agents"]


@dataclass(frozen=True, slots=True)
class ArrayLayer:
    """A map layer in NumPy."""

    look: LayerLook
    critic: bool
    of_agents: bool


@dataclass(frozen=True, slots=True)
class ShaderLayer:
    """A map layer in GLSL. uniforms: values of its uniform variables, which may change at any time."""

    look: LayerLook
    inputs: tuple[LayerInput, ...]
    uniforms: dict[str, float] = field(default_factory=dict)


def map_layer(
    look: LayerLook,
    *,
    critic: bool = False,
    of_agents: bool = False,
    name: str = "",
    needs: Iterable[str] | str = (),
) -> Callable[[F], F]:
    """Declare a map that NumPy computes; `heatmap.layer` names it.

    The function takes a `MapStates` and returns a number for each of its states, [n]; a NaN leaves its place
    empty. It runs in a thread when the map is first shown, and again when the slice or a setting of `insight`
    changes.

    critic: whether it needs a trained critic. of_agents: its states are those of the agents, renewed every
    second, and each cell of the map shows the mean over its agents. Raises UsageError for a name that is
    taken.
    """
    _require_look(look)

    def declared(function: F) -> F:
        declare(Kind.LAYER, name or _named(function), function, needs, ArrayLayer(look, critic, of_agents))
        return function

    return declared


def shader_layer(
    look: LayerLook,
    *,
    inputs: tuple[LayerInput, ...] = (),
    uniforms: Mapping[str, float] = {},
    name: str = "",
    needs: Iterable[str] | str = (),
) -> Callable[[F], F]:
    """Declare a map that a compute shader of your own makes; `heatmap.layer` names it.

    The function takes the `World` and returns GLSL (version 4.30) that defines `float map_value(vec2 at)`:
    the map's value at a place, in the units of the state variables along the map. It may read:

    - `map_low`, `map_high` (vec2): the corners of the map; `cell` (vec2): the size of a texel;
    - with the input "critic": `float critic(vec2 at)`, the value that the picture shows;
    - with "agents": `int agents`, `int newest`, `int oldest`, and `vec2 agent(int index, int tick)`, where an
      agent was on the map at a tick from `oldest` to `newest`;
    - each of `uniforms` as a float of its name. `Run.uniform` gives them other values.

    The shader runs again when an input or a uniform has changed, once for each of
    `heatmap.resolution` x `heatmap.resolution` texels. An error of the compiler is shown with the line of
    your file. Raises UsageError for a name that is taken, or an unknown input.
    """
    _require_look(look)
    unknown = [each for each in inputs if each not in ("critic", "agents")]
    if unknown:  # a text gives its letters
        raise UsageError(f"shader_layer: inputs = {inputs!r}", 'expected some of ("critic", "agents")')

    def declared(function: F) -> F:
        made = ShaderLayer(look, tuple(inputs), {key: float(value) for key, value in uniforms.items()})
        declare(Kind.LAYER, name or _named(function), function, needs, made)
        return function

    return declared


def _require_look(look: object) -> None:
    if not isinstance(look, LayerLook):
        raise UsageError(
            f"a map layer is given {look!r}",
            'expected a LayerLook: map_layer(LayerLook("a title"))',
        )


def _require_takes_run(function: Callable[..., Any]) -> None:
    """Raise UsageError unless a function, or the `__init__` of a class, can be given the run alone."""
    try:
        inspect.signature(function).bind(None)
    except ValueError:  # Python cannot tell
        return
    except TypeError as error:
        method = isinstance(function, type)
        code = getattr(function.__init__ if method else function, "__code__", None)
        line = f" (line {code.co_firstlineno})" if code else ""
        written = "__init__(self, run)" if method else f"{function.__name__}(run)"
        raise UsageError(
            f"main_system {function.__name__}{line}: it is given the run, and cannot be: {error}",
            f"write def {written}: …",
        ) from error


def _named(function: Callable[..., Any]) -> str:
    """Return the name that a plug-in gets from its function or class."""
    name = getattr(function, "__name__", "")
    return named(name) if isinstance(function, type) else name
