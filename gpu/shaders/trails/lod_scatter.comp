// Puts every visible trail into the list of its level, in the agents' order.
//
// Inputs: level and rank of each individual (lod_choose.comp), the places of its group (lod_scan.comp).
#version 430
#include "constants.glsl"
#include "structs.glsl"
layout(local_size_x = AGENT_GROUP) in;
layout(std430, binding = SLOT_INDIVIDUAL) readonly buffer Individuals { uint individuals[]; };
layout(std430, binding = SLOT_CHOICE) readonly buffer Choices { uint choices[]; };
layout(std430, binding = SLOT_GROUP_COUNT) readonly buffer GroupCounts { uint group_starts[]; };
layout(std430, binding = SLOT_TRAIL_INSTANCE) writeonly buffer Instances { TrailInstance instances[]; };

void main() {
    uint index = gl_GlobalInvocationID.x;
    if (index >= frame.individuals) return;
    uint level = choices[index] >> 16u, rank = choices[index] & 0xffffu;
    if (level >= MAX_LEVELS) return;
    uint start = group_starts[level * gl_NumWorkGroups.x + gl_WorkGroupID.x];
    instances[level * uint(frame.trail_slots) + start + rank] = TrailInstance(individuals[index], level);
}
