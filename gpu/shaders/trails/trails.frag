// Analytic anti-aliasing of a ribbon: the share of the pixel that it covers.
#version 430
noperspective in float v_across_px;
flat in uint v_color;
flat in float v_half_px;
out vec4 color;

void main() {
    float coverage = clamp(v_half_px + 0.5 - abs(v_across_px), 0.0, 1.0);
    color = unpackUnorm4x8(v_color) * coverage;
}
