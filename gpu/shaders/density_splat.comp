// Visitation density: every agent of one trail row adds one visit to its map cell.
//
// Cells are fixed point (DENSITY_UNIT a visit) and integer, so the sum does not depend on the order of the
// atomics. Agents outside the map count nowhere.
#version 430
#include "constants.glsl"
#include "structs.glsl"
layout(local_size_x = GROUP) in;
layout(std430, binding = SLOT_TRAIL_POSITION) readonly buffer TrailPositions { vec2 trail_position[]; };
layout(std430, binding = SLOT_DENSITY) buffer Density { uint cells[]; };

uniform uint first;   // index of the row's first position
uniform uint agents;
uniform uint edge;    // cells along each edge of the map
uniform vec2 map_low;
uniform vec2 map_high;

void main() {
    uint agent = gl_GlobalInvocationID.x;
    if (agent >= agents) return;
    vec2 at = (trail_position[first + agent] - map_low) / (map_high - map_low) * float(edge);
    ivec2 cell = ivec2(floor(at));
    if (any(lessThan(cell, ivec2(0))) || any(greaterThanEqual(cell, ivec2(edge)))) return;
    atomicAdd(cells[uint(cell.y) * edge + uint(cell.x)], DENSITY_UNIT);
}
