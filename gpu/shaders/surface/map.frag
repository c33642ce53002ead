// The flat map alone.
#version 430
#include "constants.glsl"
#include "structs.glsl"
#include "map_color.glsl"
noperspective in vec2 v_uv;
out vec4 color;

void main() {
    if (any(greaterThan(v_uv, vec2(MAP_END)))) discard;
    color = vec4(map_color(v_uv), 0.0);
}
