// Colour of the flat map: the shades, contour lines of the base map, and the crowd's trails over both.
#version 430
#include "constants.glsl"
#include "structs.glsl"
#include "field.glsl"
#include "trail_color.glsl"
#include "crowd.glsl"
#include "contour.glsl"
layout(binding = TEXTURE_BASE) uniform sampler2D base_field;
layout(binding = TEXTURE_SHADES) uniform sampler2D shades;
noperspective in vec2 v_uv;
out vec4 color;

void main() {
    if (any(greaterThan(v_uv, vec2(1.0)))) discard;
    vec4 shade = texture(shades, v_uv);
    vec3 rgb = shade.rgb;
    if (frame.contours > 0.0) {
        // The slope comes with the colour: a derivative of the value would have the steps of a sampler with 8 bits, and
        // a line would have gaps between them.
        float value = on_scale(frame.base_layer, texture(base_field, v_uv).r);
        rgb *= 1.0 - contour(value, shade.a * shade.a * STEEPEST * frame.uv_px);
    }
    vec4 crowd = frame.crowd_width > 0u ? crowd_at(v_uv) : vec4(0.0);
    rgb = mix(BACKGROUND, rgb, frame.surface_opacity);
    color = vec4(mix(rgb, crowd.rgb, crowd.a), crowd.a);    // alpha: what glows (glow/shrink.frag)
}
