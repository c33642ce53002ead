// What is light of trails and marks, at a quarter of the picture's size: where a glow comes from. Four bilinear looks
// for 16 pixels. The picture's alpha says how much of a pixel is theirs: were a field to glow as well, its colours
// would no longer be those of its colour bar.
#version 430
#include "constants.glsl"
layout(local_size_x = 8, local_size_y = 8) in;
layout(binding = TEXTURE_PICTURE) uniform sampler2D picture;
layout(rgba8, binding = IMAGE_PICTURE) writeonly uniform image2D light;

const float LIGHT_FROM = 0.35;      // luminance

void main() {
    ivec2 at = ivec2(gl_GlobalInvocationID.xy), size = imageSize(light);
    if (any(greaterThanEqual(at, size))) return;
    vec2 texel = 1.0 / vec2(textureSize(picture, 0)), uv = (vec2(at) * 4.0 + 2.0) * texel;
    vec3 sum = vec3(0.0);
    for (int corner = 0; corner < 4; ++corner) {
        vec4 drawn = textureLod(picture, uv + (vec2(corner & 1, corner >> 1) * 2.0 - 1.0) * texel, 0.0);
        vec3 rgb = drawn.rgb * drawn.a;
        sum += rgb * smoothstep(LIGHT_FROM, 1.0, dot(rgb, vec3(0.2126, 0.7152, 0.0722)));
    }
    imageStore(light, at, vec4(sum / 4.0, 1.0));
}
