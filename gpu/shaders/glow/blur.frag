// Blurs the glow along one direction: nine taps of a Gaussian, as five bilinear lookups between texels.
#version 430
#include "constants.glsl"
layout(binding = TEXTURE_PICTURE) uniform sampler2D light;
noperspective in vec2 v_uv;
out vec4 color;

uniform vec2 direction;            // one texel, along x or y

void main() {
    vec2 near = direction * 1.38461538 / vec2(textureSize(light, 0)), far = near * (3.23076923 / 1.38461538);
    vec3 sum = textureLod(light, v_uv, 0.0).rgb * 0.22702703;
    sum += (textureLod(light, v_uv + near, 0.0).rgb + textureLod(light, v_uv - near, 0.0).rgb) * 0.31621622;
    sum += (textureLod(light, v_uv + far, 0.0).rgb + textureLod(light, v_uv - far, 0.0).rgb) * 0.07027027;
    color = vec4(sum, 1.0);
}
