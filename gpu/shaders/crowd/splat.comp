// Stamps the new segment of every agent's trail into the map: each cell keeps the newest tick that crossed it.
//
// Inputs: trail positions in the state's units, strands, and the signal that colours trails. A stamp holds the tick
// (from 1, in the upper bits) and a colour (crowd.glsl): the greatest is the newest, so the order of the atomics does
// not matter. One row of work groups a tick. A segment is walked in steps of one cell along its longer axis; the cell
// at its beginning got its stamp with the tick before.
#version 430
#include "constants.glsl"
#include "structs.glsl"
layout(local_size_x = AGENT_GROUP) in;
layout(std430, binding = SLOT_TRAIL_POSITION) readonly buffer TrailPositions { vec2 trail_position[]; };
layout(std430, binding = SLOT_TRAIL_STRAND) readonly buffer TrailStrands { uint trail_strand[]; };
layout(std430, binding = SLOT_TRAIL_SIGNAL) readonly buffer TrailSignals { float trail_signal[]; };
layout(r32ui, binding = IMAGE_STAMPS) uniform uimage2D stamps;

uniform uint agents;
uniform int rows;          // of the ring
uniform ivec2 cells;       // of the map, along x and y
uniform int first_tick;    // the tick whose stamp is 1
uniform int from_tick;     // tick of the first row of work groups
uniform int oldest;        // oldest tick in the ring
uniform vec2 map_low;
uniform vec2 per_unit;     // cells along a unit of the state
uniform bool by_signal;    // colour by the signal; else by the agent's hue
uniform float signal_low;
uniform float per_signal;  // share of the colour scale along a unit of the signal

vec2 cell_of(int at) {
    return (trail_position[at] - map_low) * per_unit;
}

uint color_bits(uint agent, int at) {
    if (!by_signal) return agent * GOLDEN >> uint(32 - STAMP_BITS);
    float signal = trail_signal[at];
    if (isnan(signal)) return 0u;
    float on_scale = clamp((signal - signal_low) * per_signal, 0.0, 1.0);
    return 1u + uint(on_scale * float((1u << STAMP_BITS) - 2u));
}

void main() {
    uint agent = gl_GlobalInvocationID.x;
    if (agent >= agents) return;
    int tick = from_tick + int(gl_WorkGroupID.y);
    int now = tick % rows * int(agents) + int(agent);
    int before = (tick + rows - 1) % rows * int(agents) + int(agent);
    vec2 to = cell_of(now), from = to;
    uint strand = (1u << ENDING_SHIFT) - 1u;    // mask: the strand without its Ending
    if (tick > oldest && ((trail_strand[before] ^ trail_strand[now]) & strand) == 0u) {
        vec2 old = cell_of(before);
        if (!any(isnan(old))) from = old;    // a NaN is nowhere: the trail begins after it
    }
    // A segment much longer than the map is an error of the world, and is left out.
    vec2 way = to - from, ends = from + to;
    if (any(isnan(ends)) || any(isinf(ends)) || any(greaterThan(abs(way), LONGEST * vec2(cells)))) return;
    uint stamp = uint(tick - first_tick + 1) << STAMP_BITS | color_bits(agent, now);
    int steps = max(int(ceil(max(abs(way.x), abs(way.y)))), 1);
    for (int k = 1; k <= steps; ++k) {
        precise vec2 at = from + way * (float(k) / float(steps));    // rounded as sim/cells does, not fused
        if (!(all(greaterThanEqual(at, vec2(0.0))) && all(lessThanEqual(at, vec2(cells))))) continue;
        imageAtomicMax(stamps, min(ivec2(at), cells - 1), stamp);
    }
}
