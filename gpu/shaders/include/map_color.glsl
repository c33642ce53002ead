// Colour of the flat map at a pixel: the shades, and contour lines of the base map. Include constants.glsl and
// structs.glsl first.
#include "contour.glsl"
flat in vec2 v_scale;    // of map.vert: an SSBO is slow to read in each pixel
layout(binding = TEXTURE_BASE) uniform sampler2D base_field;
layout(binding = TEXTURE_SHADES) uniform sampler2D shades;

vec3 map_color(vec2 uv) {
    vec4 shade = texture(shades, uv);
    vec3 rgb = shade.rgb;
    if (frame.contours > 0.0) {
        // The slope comes with the colour: a derivative of the value would have the steps of a sampler with 8 bits, and
        // a line would have gaps between them.
        float value = (texture(base_field, uv).r - v_scale.x) * v_scale.y;
        rgb *= 1.0 - contour(value, shade.a * shade.a * STEEPEST * frame.uv_px);
    }
    return mix(BACKGROUND, rgb, frame.surface_opacity);
}
