// The ring of trail rows, and which of its samples a level of detail shows.
// Include constants.glsl and structs.glsl first.
//
// Tick t is row t mod trail_rows. Level L shows the newest sample, every tick in between that is a multiple
// of 2^L (absolute ticks, so that a trail does not shimmer as it grows), and the oldest.
layout(std430, binding = SLOT_TRAIL_POSITION) readonly buffer TrailPositions { vec2 trail_position[]; };
layout(std430, binding = SLOT_TRAIL_STRAND) readonly buffer TrailStrands { uint trail_strand[]; };

int trail_index(int tick, uint agent) {
    return (tick % frame.trail_rows) * frame.agents + int(agent);
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
