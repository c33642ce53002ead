// Labels, ticks, lines and colour bars: parallelograms in pixels, one instance each, all in one draw.
#version 430
#include "constants.glsl"
#include "structs.glsl"
in vec2 in_corner;      // pixels from the top left of the picture
in vec2 in_right;       // edges of the parallelogram, pixels
in vec2 in_down;
in vec4 in_texels;      // texture coordinates of the corner; their extent
in vec4 in_color;
in uint in_kind;        // QUAD_…; plus the row of a colour map
out vec2 v_uv;
out vec4 v_color;
flat out uint v_kind;

void main() {
    vec2 at = vec2(gl_VertexID & 1, gl_VertexID >> 1);
    vec2 pixel = in_corner + at.x * in_right + at.y * in_down;
    v_uv = in_texels.xy + at * in_texels.zw;
    v_color = in_color;
    v_kind = in_kind;
    vec2 ndc = pixel / frame.viewport_px * 2.0 - 1.0;
    gl_Position = vec4(ndc.x, -ndc.y, 0.0, 1.0);
}
