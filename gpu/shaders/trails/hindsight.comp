// Rewrites the signal of an individual's samples by what came after them, from the newest to the oldest.
//
// outcome: how the episode ended, for all of its samples. Else the advantage: the TD errors of this step and of those that
// followed, discounted by `decay` a tick (GAE: Schulman et al., 2016); it settles while the episode goes on. Where an
// episode began there is no TD error: a NaN, at which the sum starts anew.
#version 430
#include "constants.glsl"
#include "structs.glsl"
layout(local_size_x = AGENT_GROUP) in;
layout(std430, binding = SLOT_INDIVIDUAL) readonly buffer Individuals { uint individuals[]; };
layout(std430, binding = SLOT_TRAIL_STRAND) readonly buffer TrailStrands { uint trail_strand[]; };
layout(std430, binding = SLOT_TRAIL_RAW) readonly buffer TrailRaws { float trail_raw[]; };
layout(std430, binding = SLOT_TRAIL_SIGNAL) writeonly buffer TrailSignals { float trail_signal[]; };

uniform int slots;         // of a row
uniform uint count;        // number of individuals
uniform int rows;          // rows of the ring
uniform int oldest;
uniform int newest;
uniform bool outcome;
uniform float decay;

void main() {
    if (gl_GlobalInvocationID.x >= count) return;
    int slot = int(individuals[gl_GlobalInvocationID.x]);
    float known = 0.0;
    for (int tick = newest; tick >= oldest; --tick) {
        int at = tick % rows * slots + slot;
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
