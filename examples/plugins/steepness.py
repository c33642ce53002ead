"""A map layer by a shader of one's own: the landscape of the critic's values as a relief in slanting light.

    valuescape run demo --plugin examples/plugins/steepness.py --set heatmap.layer=steepness

Slopes that face the light are bright. Ridges, where the policy switches from one action to another, stand out
more clearly than on the map of values.
"""

from valuescape.api import LayerLook, shader_layer


@shader_layer(
    LayerLook("relief", meaning="slopes that face the light are bright", low=0.0, high=1.0, colormap="gray"),
    inputs=("critic",),
    uniforms={"relief": 0.001, "light_angle": 0.6},
)
def steepness(world):
    """Return GLSL. `cell` is the size of a texel; `critic(at)` is the value of a place."""
    return """
vec2 slope(vec2 at) {
    vec2 low = max(at - cell, map_low + 0.5 * cell), high = min(at + cell, map_high - 0.5 * cell);
    float across = critic(vec2(high.x, at.y)) - critic(vec2(low.x, at.y));
    float up = critic(vec2(at.x, high.y)) - critic(vec2(at.x, low.y));
    return vec2(across, up) / (high - low) * (map_high - map_low);  // change over the whole map
}

float map_value(vec2 at) {
    vec3 normal = normalize(vec3(-relief * slope(at), 1.0));
    vec3 light = normalize(vec3(cos(light_angle), sin(light_angle), 1.0));
    return max(dot(normal, light), 0.0);
}
"""
