// The field as a surface: a grid of mesh_edge x mesh_edge vertices, lifted by the height field.
#version 430
#include "constants.glsl"
#include "structs.glsl"
#include "field.glsl"
out vec2 v_uv;
out vec3 v_normal;
out vec2 v_values;      // value and density on their scales; the flat map reads them a pixel instead

void main() {
    uint edge = frame.mesh_edge;
    vec2 uv = vec2(gl_VertexID % int(edge), gl_VertexID / int(edge)) / float(edge - 1u);
    v_uv = uv;
    vec3 position = scene_position(uv);
    v_values = vec2(0.0);
    if (frame.height_scale > 0.0) {
        v_values.x = on_scale(LAYER_VALUE, bilinear(value_field, uv));
        v_values.y = on_scale(LAYER_DENSITY, bilinear(density_field, uv));
    }
    v_normal = vec3(0.0, 0.0, 1.0);
    if (frame.height_scale > 0.0) {
        float reach = 1.0 / float(edge - 1u);
        float east = surface_height(uv + vec2(reach, 0.0)), west = surface_height(uv - vec2(reach, 0.0));
        float north = surface_height(uv + vec2(0.0, reach)), south = surface_height(uv - vec2(0.0, reach));
        v_normal = normalize(vec3(west - east, south - north, 4.0 * reach));
    }
    gl_Position = frame.view_projection * vec4(position, 1.0);
}
