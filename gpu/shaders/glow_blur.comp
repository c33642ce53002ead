// Nine taps of a Gaussian along one direction, as five bilinear looks between texels.
#version 430
#include "constants.glsl"
layout(local_size_x = 8, local_size_y = 8) in;
layout(binding = TEXTURE_PICTURE) uniform sampler2D light;
layout(rgba8, binding = IMAGE_PICTURE) writeonly uniform image2D blurred;

uniform vec2 direction;            // one texel, along x or y

void main() {
    ivec2 at = ivec2(gl_GlobalInvocationID.xy), size = imageSize(blurred);
    if (any(greaterThanEqual(at, size))) return;
    vec2 uv = (vec2(at) + 0.5) / vec2(size), one = direction / vec2(size);
    vec3 sum = textureLod(light, uv, 0.0).rgb * 0.22702703;
    sum += (textureLod(light, uv + one * 1.38461538, 0.0).rgb + textureLod(light, uv - one * 1.38461538, 0.0).rgb) * 0.31621622;
    sum += (textureLod(light, uv + one * 3.23076923, 0.0).rgb + textureLod(light, uv - one * 3.23076923, 0.0).rgb) * 0.07027027;
    imageStore(blurred, at, vec4(sum, 1.0));
}
