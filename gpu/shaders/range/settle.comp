// From the least and greatest value of a layer to the ends of its colour scale, with hysteresis.
//
// An end moves outwards at once, so that no value is ever off the scale; it moves inwards only when it would move by more
// than `hysteresis` (a share of the scale). Colours then do not flicker with every small change. An end may be kept at a
// number. On a centred scale the ends that follow are as far from 0 as each other.
#version 430
#include "constants.glsl"
#include "structs.glsl"
#include "ordered.glsl"
layout(local_size_x = 1) in;
layout(std430, binding = SLOT_RANGE) buffer Ranges { Range ranges[]; };

uniform uint layer;
uniform float hysteresis;
uniform bool first_time;
uniform bool centred;
uniform bool keeps_low;
uniform bool keeps_high;
uniform float low_kept;
uniform float high_kept;

void main() {
    Range range = ranges[layer];
    if (range.least <= range.greatest) {
        float low = unordered(range.least), high = unordered(range.greatest);
        if (centred) {
            high = max(abs(low), abs(high));
            low = -high;
        }
        float slack = hysteresis * (range.shown_high - range.shown_low);
        if (first_time || low < range.shown_low || low > range.shown_low + slack) range.shown_low = low;
        if (first_time || high > range.shown_high || high < range.shown_high - slack) range.shown_high = high;
    }
    if (keeps_low) range.shown_low = low_kept;
    if (keeps_high) range.shown_high = high_kept;
    range.least = 0xffffffffu;
    range.greatest = 0u;
    ranges[layer] = range;
}
