// A tile of the picture, eight by eight texels of the glow; one instance each. Where nothing glows there is none: most of
// a picture is not near a trail, and a software driver pays for every pixel.
#version 430
#include "constants.glsl"
layout(binding = TEXTURE_GLOW) uniform sampler2D glow;
noperspective out vec2 v_uv;

uniform ivec2 tiles;

void main() {
    vec2 size = vec2(textureSize(glow, 0));
    vec2 tile = vec2(gl_InstanceID % tiles.x, gl_InstanceID / tiles.x) * 8.0;
    vec3 light = vec3(0.0);
    for (int look = 0; look < 25; ++look)      // from texel -1 to 8: what a bilinear look from within could reach
        light += textureLod(glow, (tile + vec2(look % 5, look / 5) * 2.0) / size, 0.0).rgb;
    vec2 corner = tile + vec2(gl_VertexID & 1, gl_VertexID >> 1) * 8.0;
    v_uv = corner / size;
    gl_Position = light == vec3(0.0) ? vec4(2.0, 2.0, 2.0, 1.0) : vec4(v_uv * 2.0 - 1.0, 0.0, 1.0);
}
