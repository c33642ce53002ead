// Analytic anti-aliasing: how much of the pixel the ribbon covers.
#version 430
#include "constants.glsl"
#include "structs.glsl"
noperspective in float v_across_px;
flat in uint v_color;
out vec4 color;

void main() {
    float coverage = clamp(0.5 * frame.trail_width_px + 0.5 - abs(v_across_px), 0.0, 1.0);
    color = unpackUnorm4x8(v_color) * coverage;
}
