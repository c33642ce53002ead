// Colours of one or two map layers, a texel of the shades each, so that a pixel of the picture needs a single lookup.
//
// Inputs: the base map and the map over it, their ranges and the rows of their colour maps. A software driver pays for
// each lookup, and a picture has many times as many pixels as a map has texels. Alpha holds the slope of the base, for
// contour lines. The base is pale where its values are not certain, and
// where few agents came by; where it has no value (NaN) it is UNKNOWN.
#version 430
#include "constants.glsl"
#include "structs.glsl"
layout(local_size_x = TEXEL_GROUP) in;
layout(binding = TEXTURE_BASE) uniform sampler2D base_field;
layout(binding = TEXTURE_OVER) uniform sampler2D over_field;
layout(binding = TEXTURE_CERTAINTY) uniform sampler2D certainty;
layout(binding = TEXTURE_SUPPORT) uniform sampler2D support;    // log2(1 + visits)
layout(binding = TEXTURE_COLORMAPS) uniform sampler2D colormaps;
layout(std430, binding = SLOT_RANGE) readonly buffer Ranges { Range ranges[]; };
layout(rgba8, binding = IMAGE_FIELD) writeonly uniform image2D shades;
#include "shade.glsl"

uniform uint base_layer;    // index into the ranges
uniform uint base_row;      // row of the colour map
uniform uint over_layer;
uniform uint over_row;
uniform bool has_over;
uniform bool contours;      // the base has contour lines
uniform bool has_certainty;
uniform float least_visits; // the base fades where there are fewer; 0: nowhere

const float MOST_COVER = 0.75;    // of the map that lies over the base
const float FAINT = 0.15;         // share of its colour that an uncertain value keeps

// From the texels around.
float slope_at(vec2 uv) {
    vec2 size = vec2(textureSize(base_field, 0)), texel = 1.0 / size;
    float east = textureLod(base_field, uv + vec2(texel.x, 0.0), 0.0).r;
    float west = textureLod(base_field, uv - vec2(texel.x, 0.0), 0.0).r;
    float north = textureLod(base_field, uv + vec2(0.0, texel.y), 0.0).r;
    float south = textureLod(base_field, uv - vec2(0.0, texel.y), 0.0).r;
    return slope_of(base_layer, vec2(east - west, north - south), size);
}

vec3 base_color(vec2 uv) {
    float value = textureLod(base_field, uv, 0.0).r;
    if (isnan(value)) {     // of a neighbour that the lookup blends in, perhaps
        ivec2 size = textureSize(base_field, 0);
        value = texelFetch(base_field, min(ivec2(uv * vec2(size)), size - 1), 0).r;
        if (isnan(value)) return UNKNOWN;
    }
    return colormap(base_row, on_scale(base_layer, value));
}

// Gray of about the same lightness: a value that may be chance attracts no eye.
vec3 pale(vec3 color) {
    return vec3(mix(dot(color, vec3(0.2126, 0.7152, 0.0722)), 0.5, 0.3));
}

// From 0, where the base's value may be chance or no agent came by, to 1.
float sure_at(vec2 uv) {
    float sure = has_certainty ? textureLod(certainty, uv, 0.0).r : 1.0;
    if (least_visits > 0.0) sure *= min((exp2(textureLod(support, uv, 0.0).r) - 1.0) / least_visits, 1.0);
    return sure;
}

void main() {
    ivec2 size = imageSize(shades);
    ivec2 texel = ivec2(gl_GlobalInvocationID.x % uint(size.x), gl_GlobalInvocationID.x / uint(size.x));
    if (texel.y >= size.y) return;
    vec2 uv = (vec2(texel) + 0.5) / vec2(size);
    vec3 color = base_color(uv);
    float sure = sure_at(uv);
    if (sure < 1.0) color = mix(pale(color), color, mix(FAINT, 1.0, sure));
    if (has_over) {
        float at = on_scale(over_layer, textureLod(over_field, uv, 0.0).r);
        color = mix(color, colormap(over_row, at), MOST_COVER * smoothstep(0.0, 1.0, at));
    }
    float slope = contours ? slope_at(uv) : 0.0;
    imageStore(shades, texel, vec4(color, slope_kept(slope)));
}
