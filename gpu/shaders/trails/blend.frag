// The trails that splat.comp summed, over the picture.
#version 430
#include "constants.glsl"
#include "splat.glsl"
out vec4 color;

void main() {
    ivec2 at = ivec2(gl_FragCoord.xy) - origin;
    uint place = 4u * uint(at.y * size.x + at.x);
    uint matter = sums[place];
    if (matter == 0u) discard;
    float cover = 1.0 - exp(-float(matter) / UNITS);
    vec3 light = vec3(sums[place + 1u], sums[place + 2u], sums[place + 3u]);
    color = vec4(min(light / float(matter), 1.0) * cover, cover);
}
