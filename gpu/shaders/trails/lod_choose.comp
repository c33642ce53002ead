// For each individual's trail: is it in view, and which is the coarsest level that looks like the finest?
//
// Keeping every s-th sample moves a point of the trail by at most s^2/8 times the greatest second difference of its
// samples, measured here on the screen, in pixels: a level is good enough while that is within `tolerance_px`. The
// difference is small for trails that are far, small on the screen, or straight. Beside a break the samples shown are
// moved to the break itself, which makes chords of up to two strides (trails.vert). A trail is in view if the box around
// its samples touches the screen.
// Ranks within the group come from bit masks, so that the compacted lists keep the agents' order and a picture with
// overlapping trails is the same every time.
#version 430
#include "constants.glsl"
#include "structs.glsl"
#include "trail.glsl"
layout(local_size_x = AGENT_GROUP) in;
layout(std430, binding = SLOT_INDIVIDUAL) readonly buffer Individuals { uint individuals[]; };
layout(std430, binding = SLOT_CHOICE) writeonly buffer Choices { uint choices[]; };        // level << 16 | rank
layout(std430, binding = SLOT_TRAIL_END) writeonly buffer TrailEnds { int trail_ends[]; };  // last tick; -1: none
layout(std430, binding = SLOT_GROUP_COUNT) writeonly buffer GroupCounts { uint group_counts[]; };

uniform uint levels;
uniform float tolerance_px;
uniform float margin_px;
uniform bool use_levels;
uniform bool use_culling;

const uint CULLED = MAX_LEVELS;
shared uint masks[MAX_LEVELS * (AGENT_GROUP / 32)];

uint choose(uint slot) {
    vec2 low = vec2(1e9), high = vec2(-1e9);
    vec2 previous = vec2(0.0), before = vec2(0.0);
    float bend = 0.0;
    bool behind = false;
    int run = 0, shortest = frame.trail_rows;       // samples since the last break; samples of the shortest strand
    uint strand = 0u;
    int ended = -1;
    bool broken = false;
    for (int tick = frame.oldest; tick <= frame.newest; ++tick) {
        vec4 point = trail_point(tick, slot);
        vec4 clip = frame.view_projection * vec4(point.xyz, 1.0);
        behind = behind || clip.w < 1e-4;
        vec2 pixel = (clip.xy / max(clip.w, 1e-4) * 0.5 + 0.5) * frame.viewport_px;
        low = min(low, pixel);
        high = max(high, pixel);
        if (run > 0 && strand_of(point) != strand) {
            shortest = min(shortest, run);
            broken = true;
            run = 0;
        }
        strand = strand_of(point);
        if (ending_of(point) != 0u) ended = tick;
        if (run > 1) bend = max(bend, length(pixel - 2.0 * previous + before));
        before = previous;
        previous = pixel;
        ++run;
    }
    trail_ends[slot] = ended;
    if (broken) shortest = min(shortest, run);
    bool outside = any(greaterThan(low, frame.viewport_px + margin_px)) || any(lessThan(high, vec2(-margin_px)));
    if (use_culling && outside && !behind) return CULLED;
    if (!use_levels || behind) return 0u;
    uint level = 0u;
    while (level + 1u < levels) {
        int stride = 2 << level;
        float chord = float(broken ? 2 * stride : stride);
        if (chord * chord / 8.0 * bend > tolerance_px || (broken && 2 * stride > shortest)) break;
        ++level;
    }
    return level;
}

void main() {
    uint local = gl_LocalInvocationIndex;
    if (local < MAX_LEVELS * uint(AGENT_GROUP / 32)) masks[local] = 0u;
    barrier();
    uint index = gl_GlobalInvocationID.x;
    uint level = CULLED;
    if (index < frame.individuals) level = choose(individuals[index]);
    uint word = local / 32u, bit = local % 32u;
    if (level < CULLED) atomicOr(masks[level * uint(AGENT_GROUP / 32) + word], 1u << bit);
    barrier();
    uint rank = 0u;
    if (level < CULLED) {
        for (uint w = 0u; w < word; ++w) rank += uint(bitCount(masks[level * uint(AGENT_GROUP / 32) + w]));
        rank += uint(bitCount(masks[level * uint(AGENT_GROUP / 32) + word] & ((1u << bit) - 1u)));
    }
    if (index < frame.individuals) choices[index] = level << 16u | rank;
    if (local < levels) {
        uint total = 0u;
        for (uint w = 0u; w < uint(AGENT_GROUP / 32); ++w) total += uint(bitCount(masks[local * uint(AGENT_GROUP / 32) + w]));
        group_counts[local * gl_NumWorkGroups.x + gl_WorkGroupID.x] = total;
    }
}
