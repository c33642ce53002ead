// The height field with the crowd's trails.
#version 430
#include "constants.glsl"
#include "structs.glsl"
#include "surface_color.glsl"
#include "crowd.glsl"
#include "crowd_over.glsl"
in vec2 v_uv;
in float v_height;
in float v_light;
out vec4 color;

void main() {
    color = crowd_over(as_kept(surface_color(v_uv, v_height, v_light)), v_uv);
}
