// Colour of the surface, with contour lines of the value one pixel wide, and the crowd's trails over both.
#version 430
#include "constants.glsl"
#include "structs.glsl"
#include "field.glsl"
layout(binding = TEXTURE_SHADES) uniform sampler2D shades;
#include "trail_color.glsl"
#include "crowd.glsl"
in vec2 v_uv;
in float v_value;
in float v_light;
out vec4 color;

// `slope`: how much of the scale a pixel spans. From the mesh's values: derivatives of a texture's are too
// rough where triangles are small, and the lines would come out dotted.
float contour(float at, float slope) {
    float width = max(slope * frame.contours, 1e-6);
    float line = abs(fract(at * frame.contours - 0.5) - 0.5) / width;
    return (1.0 - smoothstep(0.0, 1.2, line)) * (1.0 - smoothstep(0.25, 0.6, width));
}

float value_at(vec2 uv) {
    return on_scale(LAYER_VALUE, texture(value_field, uv).r);
}

void main() {
    if (frame.height_scale == 0.0 && any(greaterThan(v_uv, vec2(1.0)))) discard;         // beyond the map
    vec3 rgb = texture(shades, v_uv).rgb;
    vec4 crowd = frame.crowd_width > 0u ? crowd_at(v_uv) : vec4(0.0);
    if (frame.contours > 0.0 && frame.layer != LAYER_DENSITY) {
        float value = v_value, slope = fwidth(v_value);
        if (frame.height_scale == 0.0) {
            // The map is one triangle: along a diagonal llvmpipe would not read the texture for those pixels of a
            // 2x2 block that lie in the other one, and the lines would have gaps.
            value = value_at(v_uv);
            slope = fwidth(value);
        }
        rgb *= 1.0 - 0.35 * contour(value, slope);
    }
    color = vec4(mix(rgb * v_light, crowd.rgb, crowd.a), 1.0);
}
