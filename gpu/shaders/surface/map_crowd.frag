// The flat map with the crowd's trails.
#version 430
#include "constants.glsl"
#include "structs.glsl"
#include "map_color.glsl"
#include "crowd.glsl"
#include "crowd_over.glsl"
noperspective in vec2 v_uv;
out vec4 color;

void main() {
    if (any(greaterThan(v_uv, vec2(MAP_END)))) discard;
    color = crowd_over(as_kept(map_color(v_uv)), v_uv);
}
