// The glow, to be blended as a screen: what is there already keeps it from ever being cut off.
#version 430
#include "constants.glsl"
layout(binding = TEXTURE_GLOW) uniform sampler2D glow;
noperspective in vec2 v_uv;
out vec4 color;

uniform float strength;

void main() {
    color = vec4(min(strength * textureLod(glow, v_uv, 0.0).rgb, 1.0), 0.0);
}
