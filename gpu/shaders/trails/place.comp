// Puts trail samples on the surface: from map coordinates, in the state's units, to scene points.
//
// Once a sample, not once a frame and vertex: every vertex looks at three samples, and each would cost four texture
// reads.
#version 430
#include "constants.glsl"
#include "structs.glsl"
#include "field.glsl"
layout(local_size_x = AGENT_GROUP) in;
layout(std430, binding = SLOT_INDIVIDUAL) readonly buffer Individuals { uint individuals[]; };
layout(std430, binding = SLOT_TRAIL_POSITION) readonly buffer TrailPositions { vec2 trail_position[]; };
layout(std430, binding = SLOT_TRAIL_STRAND) readonly buffer TrailStrands { uint trail_strand[]; };
layout(std430, binding = SLOT_TRAIL_POINT) writeonly buffer TrailPoints { vec4 trail_points[]; };

uniform uint slots;         // of a row
uniform uint count;        // number of individuals
uniform uint rows;         // rows of the ring
uniform uint first_row;    // work group y = 0 places this row, y = 1 the next, around the ring
uniform vec2 map_low;
uniform vec2 map_high;
uniform uint layer;        // index of the range of the field that is the height
uniform float height;      // height of the top of that range, in the scene

void main() {
    if (gl_GlobalInvocationID.x >= count) return;
    uint slot = individuals[gl_GlobalInvocationID.x];
    uint at = (first_row + gl_WorkGroupID.y) % rows * slots + slot;
    vec2 uv = (trail_position[at] - map_low) / (map_high - map_low);
    float value = bilinear(height_field, uv);
    float z = height * clamp(on_scale(layer, value), 0.0, 1.0);
    trail_points[at] = vec4(uv * 2.0 - 1.0, z, uintBitsToFloat(trail_strand[at]));
}
