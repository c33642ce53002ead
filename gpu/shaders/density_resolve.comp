// Density cells: let them fade by the factor `keep`, and write what is drawn, log2(1 + visits).
#version 430
#include "constants.glsl"
layout(local_size_x = 64) in;
layout(std430, binding = SLOT_DENSITY) buffer Density { uint cells[]; };
layout(r32f, binding = IMAGE_FIELD) writeonly uniform image2D field;

uniform uint edge;
uniform float keep;

void main() {
    uint cell = gl_GlobalInvocationID.x;
    if (cell >= edge * edge) return;
    // In two halves: a float has 24 bits, and keep = 1 must keep every visit.
    uint high = cells[cell] >> 12u, low = cells[cell] & 0xfffu;
    uint kept = keep == 1.0 ? cells[cell] : uint(float(high) * keep * 4096.0 + float(low) * keep);
    cells[cell] = kept;
    float visits = float(kept) / float(DENSITY_UNIT);
    imageStore(field, ivec2(cell % edge, cell / edge), vec4(log2(1.0 + visits)));
}
