// The field as a surface: a grid of mesh_edge x mesh_edge vertices, lifted by the field.
#version 430
#include "constants.glsl"
#include "structs.glsl"
#include "field.glsl"
out vec2 v_uv;
out float v_height;     // place on the field's colour scale, for contour lines
out float v_light;

// Slope from the four texels around: for the mesh as good as interpolated values, with a quarter of the reads.
vec3 surface_normal(vec2 uv) {
    ivec2 size = textureSize(height_field, 0);
    ivec2 at = clamp(ivec2(uv * vec2(size)), ivec2(0), size - 1);
    ivec2 low = max(at - 1, ivec2(0)), high = min(at + 1, size - 1);
    float east = texelFetch(height_field, ivec2(high.x, at.y), 0).r;
    float west = texelFetch(height_field, ivec2(low.x, at.y), 0).r;
    float north = texelFetch(height_field, ivec2(at.x, high.y), 0).r;
    float south = texelFetch(height_field, ivec2(at.x, low.y), 0).r;
    Range range = ranges[frame.height_layer];
    float rise = frame.height_scale / max(range.shown_high - range.shown_low, 1e-12);
    vec2 run = 2.0 * vec2(high - low) / vec2(size);
    return normalize(vec3((west - east) * rise / run.x, (south - north) * rise / run.y, 1.0));
}

void main() {
    uint edge = frame.mesh_edge;
    vec2 uv = vec2(gl_VertexID % int(edge), gl_VertexID / int(edge)) / float(edge - 1u);
    v_uv = uv;
    float height = on_scale(frame.height_layer, bilinear(height_field, uv));
    v_height = height;
    v_light = 0.45 + 0.65 * max(dot(surface_normal(uv), normalize(vec3(-0.4, -0.5, 0.9))), 0.0);
    vec3 position = vec3(uv * 2.0 - 1.0, frame.height_scale * clamp(height, 0.0, 1.0));
    gl_Position = frame.view_projection * vec4(position, 1.0);
}
