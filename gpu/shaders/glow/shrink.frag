// Light of trails and marks at the size of the glow, 1 / GLOW_SHRINK of the picture's: what the glow comes from.
//
// Each of a texel's pixels counts, by bilinear lookups between four of them, so that nothing flickers. The picture's
// alpha is the share of a pixel that trails and marks cover: the glow of a field would change its colours, which have
// to agree with the colour bar.
#version 430
#include "constants.glsl"
layout(binding = TEXTURE_PICTURE) uniform sampler2D picture;
noperspective in vec2 v_uv;
out vec4 color;

const float LIGHT_FROM = 0.35;     // luminance
const int LOOKS = GLOW_SHRINK / 2;

void main() {
    vec2 texel = 1.0 / vec2(textureSize(picture, 0));
    vec3 sum = vec3(0.0);
    for (int look = 0; look < LOOKS * LOOKS; ++look) {
        vec2 at = vec2(look % LOOKS, look / LOOKS) * 2.0 - float(LOOKS - 1);
        vec4 drawn = textureLod(picture, v_uv + at * texel, 0.0);
        vec3 rgb = drawn.rgb * drawn.a;
        sum += rgb * smoothstep(LIGHT_FROM, 1.0, dot(rgb, vec3(0.2126, 0.7152, 0.0722)));
    }
    color = vec4(sum / float(LOOKS * LOOKS), 1.0);
}
