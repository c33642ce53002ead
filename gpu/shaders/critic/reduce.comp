// Scores of critics to the field: the least or the mean of twin critics, or the greatest over discrete actions.
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
uniform int kind;  // of the critics, CRITIC_…

void main() {
    uint texel = gl_GlobalInvocationID.x;
    if (texel >= count) return;
    float value = scores[texel];
    for (uint row = 1u; row < rows; ++row) {
        float score = scores[row * columns + texel];
        if (kind == CRITIC_DISCRETE_ACTION_VALUE) value = max(value, score);
        else if (kind == CRITIC_MEAN_ACTION_VALUE) value += score;
        else value = min(value, score);
    }
    if (kind == CRITIC_MEAN_ACTION_VALUE) value /= float(rows);
    uint width = uint(imageSize(field).x);
    uint at = first + texel;
    imageStore(field, ivec2(at % width, at / width), vec4(value));
}
