// The surface's colours with the crowd's trails over them; alpha is how much the trails cover.
//
// Cells whose newest tick is the newest of all are where agents are: they are lit up, as marks of one cell.
#version 430
#include "constants.glsl"
#include "structs.glsl"
#include "trail_color.glsl"
layout(local_size_x = 64) in;
layout(binding = TEXTURE_SHADES) uniform sampler2D shades;
layout(std430, binding = SLOT_STAMP) readonly buffer Stamps { uint stamps[]; };
layout(rgba8, binding = IMAGE_FIELD) writeonly uniform image2D composed;

uniform uint edge;
uniform int first_tick;

void main() {
    uint cell = gl_GlobalInvocationID.x;
    if (cell >= edge * edge) return;
    ivec2 texel = ivec2(cell % edge, cell / edge);
    vec3 rgb = textureLod(shades, (vec2(texel) + 0.5) / float(edge), 0.0).rgb;
    float cover = 0.0;
    uint stamp = stamps[cell];
    int tick = int(stamp >> STAMP_BITS) - 1 + first_tick;
    if (stamp > 0u && tick >= frame.oldest) {
        float hue = float(stamp & ((1u << STAMP_BITS) - 1u)) / float(1u << STAMP_BITS);
        vec4 trail = trail_color(tick, hue);
        if (tick == frame.newest) trail = vec4(1.0, 1.0, 0.98, 1.0);
        cover = trail.a;
        rgb = mix(rgb, trail.rgb, cover);
    }
    imageStore(composed, texel, vec4(rgb, cover));
}
