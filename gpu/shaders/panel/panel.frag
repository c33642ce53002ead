// Dear ImGui's colours, premultiplied as in all other shaders.
#version 430
#include "constants.glsl"
layout(binding = TEXTURE_GLYPHS) uniform sampler2D glyphs;
in vec2 v_uv;
in vec4 v_color;
out vec4 color;

void main() {
    vec4 shade = v_color * texture(glyphs, v_uv);
    color = vec4(shade.rgb * shade.a, shade.a);
}
