// The ring of trail points, and which of its samples a level of detail shows.
// Include constants.glsl and structs.glsl first.
//
// Tick t is row t mod trail_rows. Level L shows the newest sample, every tick in between that is a multiple
// of 2^L (absolute ticks, so that a trail does not shimmer as it grows), and the oldest. A strand is a piece
// without a break: it changes when an episode ended or a periodic edge of the map was crossed.
layout(std430, binding = SLOT_TRAIL_POINT) readonly buffer TrailPoints { vec4 trail_points[]; };

// Scene position in xyz, strand in w (as bits).
vec4 trail_point(int tick, uint agent) {
    return trail_points[(tick % frame.trail_rows) * frame.agents + int(agent)];
}

uint strand_of(vec4 point) {
    return floatBitsToUint(point.w);
}

// How many samples level `level` has; 2^level is `1 << level`.
int trail_samples(uint level) {
    int span = frame.newest - frame.oldest;
    return span < 1 ? 1 : 2 + ((frame.newest - 1) >> level) - (frame.oldest >> level);
}

// The tick of sample `index`, counted from the newest; indices beyond the ends give the end.
int trail_tick(int index, uint level) {
    if (index <= 0) return frame.newest;
    int aligned = ((frame.newest - 1) >> level) << level;
    return max(aligned - ((index - 1) << level), frame.oldest);
}
