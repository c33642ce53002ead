// The flat map as it was kept in a texture, with the crowd's trails.
#version 430
#include "constants.glsl"
#include "crowd.glsl"
#include "crowd_over.glsl"
noperspective in vec2 v_uv;
out vec4 color;

void main() {
    if (any(greaterThan(v_uv, vec2(MAP_END)))) discard;
    color = crowd_over(kept_color(), v_uv);
}
