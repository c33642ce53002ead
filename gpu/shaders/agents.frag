// A light disc with a dark rim: legible on every colour of the map.
#version 430
#include "constants.glsl"
#include "structs.glsl"
noperspective in vec2 v_offset_px;
out vec4 color;

void main() {
    float radius = 0.5 * frame.agent_size_px;
    float distance_px = length(v_offset_px);
    float coverage = clamp(radius + 0.5 - distance_px, 0.0, 1.0);
    if (coverage == 0.0) discard;
    float fill = clamp(radius * 0.7 + 0.5 - distance_px, 0.0, 1.0);
    color = vec4(mix(vec3(0.05, 0.06, 0.09), vec3(1.0, 1.0, 0.98), fill) * coverage, coverage);
}
