// Trail samples onto the surface: from map coordinates to scene points, once a sample instead of once a frame
// and vertex: every vertex looks at three samples, and each would cost four texture reads.
#version 430
#include "constants.glsl"
#include "structs.glsl"
#include "field.glsl"
layout(local_size_x = GROUP) in;
layout(std430, binding = SLOT_INDIVIDUAL) readonly buffer Individuals { uint individuals[]; };
layout(std430, binding = SLOT_TRAIL_POSITION) readonly buffer TrailPositions { vec2 trail_position[]; };
layout(std430, binding = SLOT_TRAIL_STRAND) readonly buffer TrailStrands { uint trail_strand[]; };
layout(std430, binding = SLOT_TRAIL_POINT) writeonly buffer TrailPoints { vec4 trail_points[]; };

uniform uint agents;
uniform uint count;        // of individuals
uniform uint rows;         // of the ring
uniform uint first_row;    // work group y = 0 places this row, y = 1 the next, around the ring
uniform vec2 map_low;
uniform vec2 map_high;
uniform uint layer;        // whose values are the height
uniform float height;      // of the top of the scale

void main() {
    if (gl_GlobalInvocationID.x >= count) return;
    uint agent = individuals[gl_GlobalInvocationID.x];
    uint at = (first_row + gl_WorkGroupID.y) % rows * agents + agent;
    vec2 uv = (trail_position[at] - map_low) / (map_high - map_low);
    float value = bilinear(value_field, uv);      // the field that is the height is bound as VALUE
    float z = height * clamp(on_scale(layer, value), 0.0, 1.0);
    trail_points[at] = vec4(uv * 2.0 - 1.0, z, uintBitsToFloat(trail_strand[at]));
}
