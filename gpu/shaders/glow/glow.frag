// Lays the glow over the picture, with the blend function "screen": light that is there already leaves less room for
// more, so that no colour is cut off.
#version 430
#include "constants.glsl"
layout(binding = TEXTURE_GLOW) uniform sampler2D glow;
noperspective in vec2 v_uv;
out vec4 color;

uniform float strength;

void main() {
    color = vec4(min(strength * textureLod(glow, v_uv, 0.0).rgb, 1.0), 0.0);
}
