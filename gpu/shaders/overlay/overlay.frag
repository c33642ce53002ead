// Colours of labels, lines and colour bars.
#version 430
#include "constants.glsl"
layout(binding = TEXTURE_COLORMAPS) uniform sampler2D colormaps;
layout(binding = TEXTURE_GLYPHS) uniform sampler2D glyphs;
in vec2 v_uv;
in vec4 v_color;
flat in uint v_kind;
out vec4 color;

void main() {
    vec4 shade = v_color;
    if (v_kind == uint(QUAD_GLYPH)) shade.a *= texture(glyphs, v_uv).r;
    if (v_kind >= uint(QUAD_COLORMAP)) {
        float row = (float(v_kind - uint(QUAD_COLORMAP)) + 0.5) / float(textureSize(colormaps, 0).y);
        shade.rgb = texture(colormaps, vec2(v_uv.x, row)).rgb;
    }
    color = vec4(shade.rgb * shade.a, shade.a);
}
