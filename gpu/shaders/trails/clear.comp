// Sets the sums of a pane to 0.
#version 430
#include "constants.glsl"
#include "splat.glsl"
layout(local_size_x = TEXEL_GROUP) in;

void main() {
    uint place = 4u * gl_GlobalInvocationID.x;
    if (place >= 4u * uint(size.x * size.y)) return;
    for (uint at = place; at < place + 4u; ++at) sums[at] = 0u;
}
