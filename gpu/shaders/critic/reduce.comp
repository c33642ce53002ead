// Scores of critics to the field: the least of twin critics, or the greatest over discrete actions.
//
// Reads `rows` rows of `columns` scores; writes texels [first, first + count) of the field, row by row.
#version 430
#include "constants.glsl"
layout(local_size_x = TEXEL_GROUP) in;
layout(std430, binding = SLOT_LAYER_INPUT) readonly buffer Scores { float scores[]; };
layout(r32f, binding = IMAGE_FIELD) writeonly uniform image2D field;

uniform uint columns;
uniform uint rows;
uniform uint first;
uniform uint count;
uniform bool take_greatest;

void main() {
    uint texel = gl_GlobalInvocationID.x;
    if (texel >= count) return;
    float best = scores[texel];
    for (uint row = 1u; row < rows; ++row) {
        float score = scores[row * columns + texel];
        best = take_greatest ? max(best, score) : min(best, score);
    }
    uint width = uint(imageSize(field).x);
    uint at = first + texel;
    imageStore(field, ivec2(at % width, at / width), vec4(best));
}
