// The ring of trail points, and the samples that a level of detail shows. Include constants.glsl and structs.glsl first.
//
// Tick t is row t mod trail_rows; an agent's samples are in its slot of each row. Level L shows the newest sample, every tick between that is a multiple of 2^L (absolute
// ticks, so that a trail does not shimmer as it grows), and the oldest. A strand is a piece without a break: its number
// changes where an episode ended or a periodic edge of the map was crossed.
layout(std430, binding = SLOT_TRAIL_POINT) readonly buffer TrailPoints { vec4 trail_points[]; };

int trail_index(int tick, uint slot) {
    return (tick % frame.trail_rows) * frame.trail_slots + int(slot);
}

// Scene position in xyz, by the share that the field is raised; strand and Ending in w, as bits.
vec4 trail_point(int tick, uint slot) {
    vec4 point = trail_points[trail_index(tick, slot)];
    return vec4(point.xy, point.z * frame.lift, point.w);
}

uint strand_of(vec4 point) {
    return floatBitsToUint(point.w) & ((1u << ENDING_SHIFT) - 1u);
}

uint ending_of(vec4 point) {
    return floatBitsToUint(point.w) >> ENDING_SHIFT;
}

// Number of samples at a level.
int trail_samples(uint level) {
    int span = frame.newest - frame.oldest;
    return span < 1 ? 1 : 2 + ((frame.newest - 1) >> level) - (frame.oldest >> level);
}

// The tick of sample `index`, counted from the newest; an index beyond an end gives the end.
int trail_tick(int index, uint level) {
    if (index <= 0) return frame.newest;
    int aligned = ((frame.newest - 1) >> level) << level;
    return max(aligned - ((index - 1) << level), frame.oldest);
}
