// Joint colour scale of two map layers: from the lower of their low ends to the higher of their high ones.
#version 430
#include "constants.glsl"
#include "structs.glsl"
layout(local_size_x = 1) in;
layout(std430, binding = SLOT_RANGE) buffer Ranges { Range ranges[]; };

uniform uint first_layer;
uniform uint second_layer;
uniform uint joint_layer;    // index of the range that is written

void main() {
    Range first = ranges[first_layer], second = ranges[second_layer];
    ranges[joint_layer].shown_low = min(first.shown_low, second.shown_low);
    ranges[joint_layer].shown_high = max(first.shown_high, second.shown_high);
}
