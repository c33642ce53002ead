// What a sample's colour says in the light of what came after it: from an individual's newest sample to its oldest.
//
// outcome: how the episode ended, for all of its samples. advantage: the TD errors of this step and of those that
// followed, discounted (GAE: Schulman et al., 2016); it settles while the episode goes on. No TD error, which is
// NaN, is where an episode began: what came after has nothing to do with what was before.
#version 430
#include "constants.glsl"
#include "structs.glsl"
layout(local_size_x = GROUP) in;
layout(std430, binding = SLOT_INDIVIDUAL) readonly buffer Individuals { uint individuals[]; };
layout(std430, binding = SLOT_TRAIL_STRAND) readonly buffer TrailStrands { uint trail_strand[]; };
layout(std430, binding = SLOT_TRAIL_RAW) readonly buffer TrailRaws { float trail_raw[]; };
layout(std430, binding = SLOT_TRAIL_SIGNAL) writeonly buffer TrailSignals { float trail_signal[]; };

uniform int agents;
uniform uint count;        // of individuals
uniform int rows;          // of the ring
uniform int oldest;
uniform int newest;
uniform bool outcome;
uniform float decay;

void main() {
    if (gl_GlobalInvocationID.x >= count) return;
    int agent = int(individuals[gl_GlobalInvocationID.x]);
    float known = 0.0;
    for (int tick = newest; tick >= oldest; --tick) {
        int at = tick % rows * agents + agent;
        if (outcome) {
            uint ending = trail_strand[at] >> ENDING_SHIFT;
            if (ending != 0u) known = float(ending);
            trail_signal[at] = known;
        } else {
            float error = trail_raw[at];
            known = isnan(error) ? 0.0 : error + decay * known;
            trail_signal[at] = isnan(error) ? error : known;
        }
    }
}
