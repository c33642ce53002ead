// What is light of trails and marks, at an eighth of the picture's size: where a glow comes from. Sixteen bilinear
// looks, so that each of the 64 pixels counts and nothing flickers. The picture's alpha says how much of a pixel is
// theirs: were a field to glow as well, its colours would no longer be those of its colour bar.
#version 430
#include "constants.glsl"
layout(binding = TEXTURE_PICTURE) uniform sampler2D picture;
noperspective in vec2 v_uv;
out vec4 color;

const float LIGHT_FROM = 0.35;     // luminance

void main() {
    vec2 texel = 1.0 / vec2(textureSize(picture, 0));
    vec3 sum = vec3(0.0);
    for (int look = 0; look < 16; ++look) {
        vec2 at = vec2(look & 3, look >> 2) * 2.0 - 3.0;
        vec4 drawn = textureLod(picture, v_uv + at * texel, 0.0);
        vec3 rgb = drawn.rgb * drawn.a;
        sum += rgb * smoothstep(LIGHT_FROM, 1.0, dot(rgb, vec3(0.2126, 0.7152, 0.0722)));
    }
    color = vec4(sum / 16.0, 1.0);
}
