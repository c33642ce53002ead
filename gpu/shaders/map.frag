// Colour of the flat map: the shades, contour lines of the value, and the crowd's trails over both.
#version 430
#include "constants.glsl"
#include "structs.glsl"
#include "field.glsl"
#include "trail_color.glsl"
#include "crowd.glsl"
#include "contour.glsl"
layout(binding = TEXTURE_SHADES) uniform sampler2D shades;
noperspective in vec2 v_uv;
out vec4 color;

// How much of the scale a pixel spans, from the four texels around. The derivative of the value itself comes in steps:
// samplers interpolate with 8 bits, and between two of their steps a contour line would have a gap.
float slope_at(vec2 uv, vec2 pixel) {
    vec2 size = vec2(textureSize(value_field, 0)), at = clamp(uv * size - 0.5, vec2(0.0), size - 1.0);
    vec4 four = textureGather(value_field, (floor(at) + 1.0) / size);
    vec2 between = fract(at);
    float x = mix(four.z - four.w, four.y - four.x, between.y), y = mix(four.x - four.w, four.y - four.z, between.x);
    Range range = ranges[LAYER_VALUE];
    float span = max(range.shown_high - range.shown_low, 1e-12);
    return dot(abs(vec2(x, y)) * size, pixel) / span;
}

void main() {
    if (any(greaterThan(v_uv, vec2(1.0)))) discard;
    vec3 rgb = texture(shades, v_uv).rgb;
    if (frame.contours > 0.0 && frame.layer != LAYER_DENSITY) {
        float value = on_scale(LAYER_VALUE, texture(value_field, v_uv).r), rough = fwidth(value);
        vec2 pixel = vec2(abs(dFdx(v_uv.x)), abs(dFdy(v_uv.y)));
        if (near_contour(value, rough)) rgb *= 1.0 - contour(value, slope_at(v_uv, pixel));
    }
    vec4 crowd = frame.crowd_width > 0u ? crowd_at(v_uv) : vec4(0.0);
    rgb = mix(BACKGROUND, rgb, frame.surface_opacity);
    color = vec4(mix(rgb, crowd.rgb, crowd.a), crowd.a);    // alpha: what glows (glow_shrink.comp)
}
