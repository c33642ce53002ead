// One tile of the glow an instance, GLOW_TILE x GLOW_TILE texels. A dark tile is put outside the picture: most of a
// picture is not near a trail, and a software driver pays for every pixel.
#version 430
#include "constants.glsl"
layout(binding = TEXTURE_GLOW) uniform sampler2D glow;
noperspective out vec2 v_uv;

uniform ivec2 tiles;

const int LOOKS = GLOW_TILE / 2 + 1;

void main() {
    vec2 size = vec2(textureSize(glow, 0));
    vec2 tile = vec2(gl_InstanceID % tiles.x, gl_InstanceID / tiles.x) * float(GLOW_TILE);
    vec3 light = vec3(0.0);
    // Every second corner between texels, bilinear: texels -1 to GLOW_TILE, which lookups from within can reach.
    for (int look = 0; look < LOOKS * LOOKS; ++look)
        light += textureLod(glow, (tile + vec2(look % LOOKS, look / LOOKS) * 2.0) / size, 0.0).rgb;
    vec2 corner = tile + vec2(gl_VertexID & 1, gl_VertexID >> 1) * float(GLOW_TILE);
    v_uv = corner / size;
    gl_Position = light == vec3(0.0) ? vec4(2.0, 2.0, 2.0, 1.0) : vec4(v_uv * 2.0 - 1.0, 0.0, 1.0);
}
