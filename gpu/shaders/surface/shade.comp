// The fields as one colour texture: a texel each, so that a picture's pixels need a single lookup.
//
// A software driver pays for each lookup, and a picture has many times as many pixels as a field has texels.
// Alpha says how steep the value is there (its root, so that gentle slopes have digits), for contour lines.
#version 430
#include "constants.glsl"
#include "structs.glsl"
layout(local_size_x = 64) in;
layout(binding = TEXTURE_VALUE) uniform sampler2D value_field;
layout(binding = TEXTURE_DENSITY) uniform sampler2D density_field;
layout(binding = TEXTURE_COLORMAPS) uniform sampler2D colormaps;   // one row a layer, then the trails' row
layout(std430, binding = SLOT_RANGE) readonly buffer Ranges { Range ranges[]; };
layout(rgba8, binding = IMAGE_FIELD) writeonly uniform image2D shades;

uniform uint layer;

vec3 colormap(uint row, sampler2D field, vec2 uv) {
    Range range = ranges[row];
    float at = (textureLod(field, uv, 0.0).r - range.shown_low) / max(range.shown_high - range.shown_low, 1e-12);
    float y = (float(row) + 0.5) / float(textureSize(colormaps, 0).y);
    return textureLod(colormaps, vec2(clamp(at, 0.0, 1.0) * (255.0 / 256.0) + 0.5 / 256.0, y), 0.0).rgb;
}

// In colour scales a map's width, from the texels around.
float slope_at(vec2 uv) {
    vec2 texel = 1.0 / vec2(textureSize(value_field, 0));
    float east = textureLod(value_field, uv + vec2(texel.x, 0.0), 0.0).r;
    float west = textureLod(value_field, uv - vec2(texel.x, 0.0), 0.0).r;
    float north = textureLod(value_field, uv + vec2(0.0, texel.y), 0.0).r;
    float south = textureLod(value_field, uv - vec2(0.0, texel.y), 0.0).r;
    Range range = ranges[LAYER_VALUE];
    vec2 rise = vec2(east - west, north - south) / max(range.shown_high - range.shown_low, 1e-12);
    return length(rise / (2.0 * texel));
}

void main() {
    ivec2 size = imageSize(shades);
    ivec2 texel = ivec2(gl_GlobalInvocationID.x % uint(size.x), gl_GlobalInvocationID.x / uint(size.x));
    if (texel.y >= size.y) return;
    vec2 uv = (vec2(texel) + 0.5) / vec2(size);
    vec3 color = layer == LAYER_DENSITY ? vec3(0.0) : colormap(LAYER_VALUE, value_field, uv);
    if (layer != LAYER_VALUE) {
        vec3 visits = colormap(LAYER_DENSITY, density_field, uv);
        Range range = ranges[LAYER_DENSITY];
        float at = (textureLod(density_field, uv, 0.0).r - range.shown_low)
            / max(range.shown_high - range.shown_low, 1e-12);
        color = mix(color, visits, layer == LAYER_DENSITY ? 1.0 : 0.75 * smoothstep(0.0, 1.0, at));
    }
    float slope = layer == LAYER_DENSITY ? 0.0 : slope_at(uv);
    imageStore(shades, texel, vec4(color, sqrt(min(slope / STEEPEST, 1.0))));
}
