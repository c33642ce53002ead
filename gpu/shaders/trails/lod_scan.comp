// Turns each group's counts into the places of its trails in the compacted lists, and writes the draw commands.
//
// One work group: each invocation sums a run of groups, the sums are scanned in shared memory (Hillis and Steele, 1986),
// then each walks its run again. The list of level L begins at instance L * slots.
#version 430
#include "constants.glsl"
#include "structs.glsl"
#include "trail.glsl"
layout(local_size_x = AGENT_GROUP) in;
layout(std430, binding = SLOT_GROUP_COUNT) buffer GroupCounts { uint group_counts[]; };   // in: counts; out: starts
layout(std430, binding = SLOT_DRAW_COMMAND) writeonly buffer Commands { DrawCommand commands[]; };

uniform uint levels;
uniform uint groups;
shared uint sums[AGENT_GROUP];

void main() {
    uint local = gl_LocalInvocationIndex;
    uint run = (groups + uint(AGENT_GROUP) - 1u) / uint(AGENT_GROUP);
    uint first = min(local * run, groups), last = min(first + run, groups);
    for (uint level = 0u; level < levels; ++level) {
        uint base = level * groups;
        uint sum = 0u;
        for (uint group = first; group < last; ++group) sum += group_counts[base + group];
        sums[local] = sum;
        barrier();
        for (uint reach = 1u; reach < uint(AGENT_GROUP); reach <<= 1u) {
            uint other = local >= reach ? sums[local - reach] : 0u;
            barrier();
            sums[local] += other;
            barrier();
        }
        uint start = sums[local] - sum;
        for (uint group = first; group < last; ++group) {
            uint count = group_counts[base + group];
            group_counts[base + group] = start;
            start += count;
        }
        if (local == uint(AGENT_GROUP) - 1u) {
            uint vertices = uint(trail_samples(level)) * 2u;
            commands[level] = DrawCommand(vertices, sums[local], 0u, level * uint(frame.trail_slots), 0u);
        }
        barrier();
    }
}
