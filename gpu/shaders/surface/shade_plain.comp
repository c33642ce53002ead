// Colours of one map without uncertain values, as `shade.comp` makes them; the map has as many texels as the shades.
//
// A shader of its own: a software driver pays for the lookups of every branch, and for interpolation between texels.
#version 430
#include "constants.glsl"
#include "structs.glsl"
layout(local_size_x = TEXEL_GROUP) in;
layout(binding = TEXTURE_BASE) uniform sampler2D base_field;
layout(binding = TEXTURE_COLORMAPS) uniform sampler2D colormaps;
layout(std430, binding = SLOT_RANGE) readonly buffer Ranges { Range ranges[]; };
layout(rgba8, binding = IMAGE_FIELD) writeonly uniform image2D shades;
#include "shade.glsl"

uniform uint base_layer;    // index into the ranges
uniform uint base_row;      // row of the colour map
uniform bool contours;      // the base has contour lines

float value_at(ivec2 texel) {
    return texelFetch(base_field, texel, 0).r;
}

void main() {
    ivec2 size = imageSize(shades), last = size - 1;
    ivec2 texel = ivec2(gl_GlobalInvocationID.x % uint(size.x), gl_GlobalInvocationID.x / uint(size.x));
    if (texel.y >= size.y) return;
    float value = value_at(texel);
    vec3 color = isnan(value) ? UNKNOWN : colormap(base_row, on_scale(base_layer, value));
    float east = value_at(ivec2(min(texel.x + 1, last.x), texel.y)), west = value_at(ivec2(max(texel.x - 1, 0), texel.y));
    float north = value_at(ivec2(texel.x, min(texel.y + 1, last.y))), south = value_at(ivec2(texel.x, max(texel.y - 1, 0)));
    float slope = contours ? slope_of(base_layer, vec2(east - west, north - south), vec2(size)) : 0.0;
    imageStore(shades, texel, vec4(color, slope_kept(slope)));
}
