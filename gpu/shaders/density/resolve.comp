// Adds the visits of one tick to those before it, which fade by the factor `keep`; writes log2(1 + visits).
//
// Fading visits are floats: in fixed point a cell of few visits would lose its last fraction, rounded down, long before
// its half-life. With keep = 1 the integer cells themselves go on counting, and stay exact.
#version 430
#include "constants.glsl"
layout(local_size_x = TEXEL_GROUP) in;
layout(std430, binding = SLOT_DENSITY) buffer Density { uint cells[]; };
layout(std430, binding = SLOT_VISITS) buffer Visits { float faded[]; };
layout(r32f, binding = IMAGE_FIELD) writeonly uniform image2D field;

uniform uint edge;
uniform float keep;

void main() {
    uint cell = gl_GlobalInvocationID.x;
    if (cell >= edge * edge) return;
    float visits = float(cells[cell]);
    if (keep < 1.0) {
        visits += faded[cell] * keep;
        faded[cell] = visits;
        cells[cell] = 0u;
    }
    imageStore(field, ivec2(cell % edge, cell / edge), vec4(log2(1.0 + visits)));
}
