// Colour of the height field at a pixel: the shades, lit, with contour lines of the field. Include constants.glsl and
// structs.glsl first.
#include "contour.glsl"
#include "tone.glsl"
layout(binding = TEXTURE_SHADES) uniform sampler2D shades;

vec3 surface_color(vec2 uv, float height, float light) {
    vec3 rgb = texture(shades, uv).rgb;
    // Derivatives of the mesh's values: those of a texture are too rough where triangles are small, and lines would be
    // dotted.
    if (frame.contours > 0.0) rgb *= 1.0 - contour(height, fwidth(height));
    return mix(BACKGROUND, rolled_off(rgb * light), frame.surface_opacity);
}
