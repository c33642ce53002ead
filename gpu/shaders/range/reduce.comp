// Least and greatest finite value of a field, into the accumulators of its layer's range.
//
// Each invocation looks at RANGE_TEXELS texels; a group joins its results in shared memory before the two atomics.
#version 430
#include "constants.glsl"
#include "structs.glsl"
#include "ordered.glsl"
layout(local_size_x = AGENT_GROUP) in;
layout(binding = TEXTURE_BASE) uniform sampler2D field;
layout(std430, binding = SLOT_RANGE) buffer Ranges { Range ranges[]; };

uniform uint layer;
shared uint least, greatest;

void main() {
    if (gl_LocalInvocationIndex == 0u) {
        least = 0xffffffffu;
        greatest = 0u;
    }
    barrier();
    ivec2 size = textureSize(field, 0);
    uint texels = uint(size.x * size.y);
    uint low = 0xffffffffu, high = 0u;
    for (uint k = 0u; k < RANGE_TEXELS; ++k) {
        uint at = (gl_WorkGroupID.x * RANGE_TEXELS + k) * uint(AGENT_GROUP) + gl_LocalInvocationIndex;
        if (at >= texels) break;
        float value = texelFetch(field, ivec2(at % uint(size.x), at / uint(size.x)), 0).r;
        if (isnan(value) || isinf(value)) continue;
        low = min(low, ordered(value));
        high = max(high, ordered(value));
    }
    atomicMin(least, low);
    atomicMax(greatest, high);
    barrier();
    if (gl_LocalInvocationIndex == 0u) {
        atomicMin(ranges[layer].least, least);
        atomicMax(ranges[layer].greatest, greatest);
    }
}
