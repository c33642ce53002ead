// Visitation density: every agent of one trail row adds a visit to its cell of the map.
//
// Inputs: positions in the state's units. Cells are integers, so the sum does not depend on the order of the atomics.
// Agents outside the map are not counted; on its upper borders, where bounded states pile up, they count in the
// outermost cells.
#version 430
#include "constants.glsl"
#include "structs.glsl"
layout(local_size_x = AGENT_GROUP) in;
layout(std430, binding = SLOT_TRAIL_POSITION) readonly buffer TrailPositions { vec2 trail_position[]; };
layout(std430, binding = SLOT_DENSITY) buffer Density { uint cells[]; };

uniform uint first;   // index of the row's first position
uniform uint agents;
uniform uint edge;    // cells along an edge of the map
uniform vec2 map_low;
uniform vec2 map_high;
uniform vec2 per_unit;  // cells along a unit of the state

void main() {
    uint agent = gl_GlobalInvocationID.x;
    if (agent >= agents) return;
    vec2 at = trail_position[first + agent];
    // A NaN is outside: no comparison holds for it.
    if (!(all(greaterThanEqual(at, map_low)) && all(lessThanEqual(at, map_high)))) return;
    uvec2 cell = min(uvec2((at - map_low) * per_unit), uvec2(edge - 1u));
    atomicAdd(cells[cell.y * edge + cell.x], 1u);
}
