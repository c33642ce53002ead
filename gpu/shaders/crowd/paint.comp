// Colours the crowd's cells: premultiplied, by the ticks since a trail crossed them and by the colours of their stamps.
//
// Inputs: stamps (splat.comp), and tables as `sim/cells/paint.py` has them, whose code for processors makes the same bits.
// A pixel of the surface then needs a single lookup.
#version 430
#include "constants.glsl"
layout(local_size_x = TEXEL_GROUP) in;
layout(r32ui, binding = IMAGE_STAMPS) readonly uniform uimage2D stamps;
layout(rgba8, binding = IMAGE_FIELD) writeonly uniform image2D colors;
// Words: packed colours by age, then covers by age, then red, green and blue by a stamp's colour.
layout(std430, binding = SLOT_CELL_COLORS) readonly buffer CellColors { uint tables[]; };

uniform uint ages;
uniform bool by_age;
uniform int newest;    // the upper bits of stamps of the newest tick

float table(uint at) {
    return uintBitsToFloat(tables[at]);
}

void main() {
    ivec2 size = imageSize(stamps);
    ivec2 cell = ivec2(gl_GlobalInvocationID.x % uint(size.x), gl_GlobalInvocationID.x / uint(size.x));
    if (cell.y >= size.y) return;
    uint stamp = imageLoad(stamps, cell).r;
    uint back = uint(newest - int(stamp >> uint(STAMP_BITS)));
    uvec4 found = uvec4(0u);
    if (stamp > 0u && back < ages) {
        if (by_age) {
            found = uvec4(tables[back]) >> uvec4(0u, 8u, 16u, 24u) & 255u;
        } else {
            uint at = 2u * ages + 3u * (stamp & ((1u << uint(STAMP_BITS)) - 1u));
            precise vec4 shares = vec4(table(at), table(at + 1u), table(at + 2u), 255.0) * table(ages + back);
            found = uvec4(shares + 0.5);
        }
    }
    imageStore(colors, cell, vec4(found) / 255.0);
}
