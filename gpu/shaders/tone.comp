// The picture with its glow added, and with what is brighter than the screen can show rolled off instead of cut off.
//
// Below KNEE colours stay what they are: those of a field must go on agreeing with its colour bar.
#version 430
#include "constants.glsl"
layout(local_size_x = 8, local_size_y = 8) in;
layout(binding = TEXTURE_PICTURE) uniform sampler2D picture;
layout(binding = TEXTURE_GLOW) uniform sampler2D glow;
layout(rgba8, binding = IMAGE_PICTURE) writeonly uniform image2D result;

uniform float strength;            // of the glow
uniform bool soft;

const float KNEE = 0.75;

void main() {
    ivec2 at = ivec2(gl_GlobalInvocationID.xy), size = imageSize(result);
    if (any(greaterThanEqual(at, size))) return;
    vec3 rgb = texelFetch(picture, at, 0).rgb;
    if (strength > 0.0) rgb += strength * textureLod(glow, (vec2(at) + 0.5) / vec2(size), 0.0).rgb;
    if (soft) {
        vec3 over = max(rgb - KNEE, 0.0);
        rgb = min(rgb, KNEE) + (1.0 - KNEE) * (1.0 - exp(-over / (1.0 - KNEE)));
    }
    imageStore(result, at, vec4(rgb, 1.0));
}
