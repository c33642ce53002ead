"""Map layers of plug-ins: those that NumPy computes, and those that a shader of the user's own makes."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from valuescape.gpu.bindings import Image, Texture
from valuescape.gpu.constants import TEXEL_GROUP
from valuescape.gpu.dispatch import set_uniforms
from valuescape.gpu.layers.layer import Input, Inputs, MapLayer, MapTexture, News
from valuescape.gpu.layers.uploaded import UploadedMap
from valuescape.gpu.passes.base import ComputePass
from valuescape.gpu.passes.ranges import ScaleEnds
from valuescape.gpu.shader_source import ShaderText, expanded_text, located
from valuescape.gpu.textures import clamped
from valuescape.sim.arrays import Float32Array
from valuescape.sim.errors import UsageError
from valuescape.sim.insight.map_states import MapStates
from valuescape.sim.insight.needs import lacks_critic
from valuescape.sim.insight.over_plane import over_plane
from valuescape.sim.insight.subject import MapRequest, Subject
from valuescape.sim.plugins.declarations import Declaration
from valuescape.sim.plugins.failing import TROUBLE
from valuescape.sim.plugins.loading import LOADED
from valuescape.sim.plugins.main_kinds import ArrayLayer, LayerLook, ShaderLayer


class _Hashed:
    """A declaration as a key: by identity, for its options may hold what has no hash."""

    def __init__(self, of: Declaration) -> None:
        self.of = of

    def __hash__(self) -> int:
        return id(self.of)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Hashed) and other.of is self.of


def plugged_layer(declared: Declaration) -> MapLayer:
    """Return the map layer of a plug-in; the same object as long as its declaration is."""
    return _layer_of(_Hashed(declared))


@lru_cache(256)
def _layer_of(key: _Hashed) -> MapLayer:
    said, kept = key.of.options, key.of
    if isinstance(said, ArrayLayer):
        return _layer(
            kept,
            said.look,
            UploadedMap.of,
            inputs=frozenset({Input.ARRAY}),
            compute=_computing(kept),
            of_agents=said.of_agents,
            lacks=lacks_critic if said.critic else _nothing,
        )
    inputs = {"critic": Input.CRITIC, "agents": Input.TRAILS}
    return _layer(kept, said.look, _shading(kept), inputs=frozenset(inputs[each] for each in said.inputs))


def _layer(
    declared: Declaration, look: LayerLook, make: Callable[[Inputs], MapTexture], **more: Any
) -> MapLayer:
    return MapLayer(
        declared.name,
        look.title,
        make,
        unit=look.unit,
        meaning=look.meaning,
        ends=ScaleEnds(look.low, look.high, look.centred),
        colormap=look.colormap,
        names=look.names,
        contours=look.contours,
        **more,
    )


def _nothing(_: Subject) -> str:
    return ""


# --- NumPy ------------------------------------------------------------------------------------------------


def _computing(declared: Declaration) -> Callable[[MapRequest], Float32Array]:
    """Return what computes a map; if the plug-in is switched off, a map without values."""

    def numbers(request: MapRequest, states: Float32Array) -> Float32Array:
        seen = states.view()
        seen.flags.writeable = False
        found = np.asarray(declared.function(MapStates(request, seen)))
        if found.shape != states.shape[1:] or found.dtype.kind not in "fiub":
            what = f"an array {list(found.shape)} of {found.dtype}"
            raise UsageError(f"it returned {what}, expected {states.shape[1]} numbers, one for each state")
        return found.astype(np.float32)

    def compute(request: MapRequest) -> Float32Array:
        made = TROUBLE.call(declared, None, over_plane, request, lambda states: numbers(request, states))
        return np.full((1, 1), np.nan, np.float32) if made is None else made

    return compute


# --- GLSL -------------------------------------------------------------------------------------------------

_HEAD = """#version 430
#include "constants.glsl"
layout(local_size_x = TEXEL_GROUP) in;
layout(r32f, binding = IMAGE_FIELD) writeonly uniform image2D vs_result;
uniform int vs_edge;
uniform vec2 map_low;
uniform vec2 map_high;
uniform vec2 cell;
"""
_CRITIC = """layout(binding = TEXTURE_BASE) uniform sampler2D vs_critic;
float critic(vec2 at) {
    ivec2 size = textureSize(vs_critic, 0);
    vec2 place = clamp((at - map_low) / (map_high - map_low) * vec2(size) - 0.5, vec2(0.0), vec2(size - 1));
    ivec2 low = ivec2(place), high = min(low + 1, size - 1);
    vec2 between = place - vec2(low);
    vec2 left = vec2(texelFetch(vs_critic, low, 0).r, texelFetch(vs_critic, ivec2(low.x, high.y), 0).r);
    vec2 right = vec2(texelFetch(vs_critic, ivec2(high.x, low.y), 0).r, texelFetch(vs_critic, high, 0).r);
    vec2 column = mix(left, right, between.x);
    return mix(column.x, column.y, between.y);
}
"""
_AGENTS = """layout(std430, binding = SLOT_TRAIL_POSITION) readonly buffer Positions { vec2 vs_positions[]; };
uniform int agents;
uniform int newest;
uniform int oldest;
uniform int vs_rows;
vec2 agent(int index, int tick) { return vs_positions[(tick % vs_rows) * agents + index]; }
"""
_MAIN = """
void main() {
    int texel = int(gl_GlobalInvocationID.x);
    if (texel >= vs_edge * vs_edge) return;
    ivec2 place = ivec2(texel % vs_edge, texel / vs_edge);
    float value = map_value(map_low + (vec2(place) + 0.5) * cell);
    imageStore(vs_result, place, vec4(value));
}
"""


class ShaderMap(ComputePass):
    """A map that the user's `map_value` makes, `heatmap.resolution` texels each way.

    Performance: one dispatch whenever an input or a uniform has changed; what it takes is up to the shader.
    """

    def __init__(self, inputs: Inputs, declared: Declaration) -> None:
        super().__init__(inputs.gl, inputs.meter)
        self._inputs, self._declared = inputs, declared
        self._said: ShaderLayer = declared.options
        self._given: dict[str, float] = {}
        self._fresh = True
        edge = self._edge = inputs.config.heatmap.resolution
        unknown = np.full(edge * edge, np.nan, np.float32).tobytes()
        self.texture = clamped(self._own(inputs.gl.texture((edge, edge), 1, dtype="f4", data=unknown)))
        with self._making():
            self._made = TROUBLE.call(declared, inputs.ring.newest, self._compiled)

    def _compiled(self) -> Any:
        """Return the user's program. Raises UsageError with the line of the user's file."""
        text = self._declared.function(self._inputs.subject.world)
        if not isinstance(text, str):
            raise UsageError(f"it returned {type(text).__name__}, expected the text of a shader")
        whole = self._whole(text)
        try:
            program = self._own(self._gl.compute_shader(whole.text))
        except Exception as error:
            said = located(str(error), {"compute_shader": whole}).splitlines()[0]
            raise UsageError(f"the shader does not compile: {said}") from error
        low, high = np.array(self._inputs.bounds)
        set_uniforms(program, vs_edge=self._edge, map_low=tuple(low), map_high=tuple(high))
        set_uniforms(program, cell=tuple((high - low) / self._edge))
        return program

    def _whole(self, text: str) -> ShaderText:
        """Return the user's text within the program that calls it."""
        parts = [_HEAD, *(f"uniform float {name};\n" for name in self._said.uniforms)]
        parts += [_CRITIC] * ("critic" in self._said.inputs) + [_AGENTS] * ("agents" in self._said.inputs)
        file, first = Path(self._declared.source).name, _line_of(text, self._declared)
        around = "the program around it"
        head, tail = expanded_text("".join(parts), around), expanded_text(_MAIN, around)
        return head + expanded_text(text, file, first) + tail

    def refresh(self, news: News) -> bool:
        """Run the shader if something that it reads has changed; return whether it ran."""
        said, given = self._said, dict(self._said.uniforms)
        changed = (news.critic and "critic" in said.inputs) or (
            len(news.ticks) > 0 and "agents" in said.inputs
        )
        if not (self._fresh or changed or given != self._given) or self._made is None:
            return False
        self._fresh, self._given = False, given
        set_uniforms(self._made, **given)
        if "critic" in said.inputs and self._inputs.critic:
            self._inputs.critic.texture.use(Texture.BASE)
        if "agents" in said.inputs:
            self._give_agents()
        self.texture.bind_to_image(Image.FIELD, read=False, write=True)
        with self._meter.section(f"plug-in {self._declared.name}"):
            self._run(self._made, self._edge**2, group=TEXEL_GROUP)
        return True

    def _give_agents(self) -> None:
        ring = self._inputs.ring
        ring.bind()
        set_uniforms(
            self._made, agents=ring.agents, newest=ring.newest, oldest=ring.oldest, vs_rows=ring.length
        )


def _shading(declared: Declaration) -> Callable[[Inputs], MapTexture]:
    return lambda inputs: ShaderMap(inputs, declared)


def _line_of(text: str, declared: Declaration) -> int:
    """Return the line of the plug-in's file at which a shader's text begins; 1 if it does not stand there."""
    loaded = LOADED.get(declared.source)
    content = loaded.source.content.decode("utf-8", "replace") if loaded else ""
    at = content.find(text)
    return content.count("\n", 0, at) + 1 if at >= 0 else 1
