// The height field as it was kept in a texture, with the crowd's trails.
#version 430
#include "constants.glsl"
#include "crowd.glsl"
#include "crowd_over.glsl"
in vec2 v_uv;
out vec4 color;

void main() {
    color = crowd_over(kept_color(), v_uv);
}
