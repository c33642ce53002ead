// Analytic anti-aliasing: how much of the pixel the ribbon covers.
#version 430
#include "constants.glsl"
#include "structs.glsl"
noperspective in float v_across_px;
in vec4 v_color;
flat in uint v_broken;
out vec4 color;

void main() {
    if (v_broken != 0u) discard;
    float coverage = clamp(0.5 * frame.trail_width_px + 0.5 - abs(v_across_px), 0.0, 1.0);
    color = v_color * coverage;
}
