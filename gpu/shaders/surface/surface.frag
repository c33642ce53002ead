// Colour of the height field: the shades, lit, with contour lines of the field, and the crowd's trails over both.
#version 430
#include "constants.glsl"
#include "structs.glsl"
#include "trail_color.glsl"
#include "crowd.glsl"
#include "contour.glsl"
#include "tone.glsl"
layout(binding = TEXTURE_SHADES) uniform sampler2D shades;
in vec2 v_uv;
in float v_height;
in float v_light;
out vec4 color;

void main() {
    vec3 rgb = texture(shades, v_uv).rgb;
    // Derivatives of the mesh's values: those of a texture are too rough where triangles are small, and lines would be
    // dotted.
    if (frame.contours > 0.0) rgb *= 1.0 - contour(v_height, fwidth(v_height));
    vec4 crowd = frame.crowd_width > 0u ? crowd_at(v_uv) : vec4(0.0);
    rgb = mix(BACKGROUND, rolled_off(rgb * v_light), frame.surface_opacity);
    color = vec4(mix(rgb, crowd.rgb, crowd.a), crowd.a);    // alpha: what glows (glow/shrink.frag)
}
