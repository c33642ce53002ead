// The height field alone.
#version 430
#include "constants.glsl"
#include "structs.glsl"
#include "surface_color.glsl"
in vec2 v_uv;
in float v_height;
in float v_light;
out vec4 color;

void main() {
    color = vec4(surface_color(v_uv, v_height, v_light), 0.0);
}
