// The flat map: one triangle that reaches beyond it on two sides.
//
// Not two triangles: along their diagonal llvmpipe does not read a texture for pixels of a 2x2 block that lie in the other
// one, and derivatives (contour lines) would be wrong there.
#version 430
#include "constants.glsl"
#include "structs.glsl"
#include "field.glsl"
noperspective out vec2 v_uv;
flat out vec2 v_scale;     // the base map's colour scale: its low end, and its share along a unit of the value

void main() {
    v_uv = vec2(gl_VertexID & 1, gl_VertexID >> 1) * 2.0;
    Range range = ranges[frame.base_layer];
    v_scale = vec2(range.shown_low, 1.0 / max(range.shown_high - range.shown_low, 1e-12));
    gl_Position = frame.view_projection * vec4(v_uv * 2.0 - 1.0, 0.0, 1.0);
}
