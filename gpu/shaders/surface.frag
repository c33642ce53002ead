// Colour of the surface: colour map, contour lines one pixel wide, and light where it has height.
#version 430
#include "constants.glsl"
#include "structs.glsl"
#include "field.glsl"
layout(binding = TEXTURE_COLORMAPS) uniform sampler2D colormaps;   // one row a layer
in vec2 v_uv;
in vec3 v_normal;
in vec2 v_values;
out vec4 color;

vec3 colormap(uint layer, float at) {
    float row = (float(layer) + 0.5) / float(textureSize(colormaps, 0).y);
    return texture(colormaps, vec2(clamp(at, 0.0, 1.0) * (255.0 / 256.0) + 0.5 / 256.0, row)).rgb;
}

float contour(float at) {
    float steps = at * frame.contours;
    float width = max(fwidth(steps), 1e-6);
    float line = abs(fract(steps - 0.5) - 0.5) / width;
    return (1.0 - smoothstep(0.0, 1.2, line)) * (1.0 - smoothstep(0.25, 0.6, width));
}

void main() {
    vec2 at = v_values;
    if (frame.height_scale == 0.0) {
        at.x = on_scale(LAYER_VALUE, texture(value_field, v_uv).r);
        at.y = on_scale(LAYER_DENSITY, texture(density_field, v_uv).r);
    }
    vec3 shade;
    if (frame.layer == LAYER_DENSITY) {
        shade = colormap(LAYER_DENSITY, at.y);
    } else {
        shade = colormap(LAYER_VALUE, at.x);
        if (frame.contours > 0.0) shade = mix(shade, vec3(0.0), 0.35 * contour(at.x));
        if (frame.layer == LAYER_BOTH) {
            shade = mix(shade, colormap(LAYER_DENSITY, at.y), 0.75 * smoothstep(0.0, 1.0, at.y));
        }
    }
    if (frame.height_scale > 0.0) {
        float light = max(dot(normalize(v_normal), normalize(vec3(-0.4, -0.5, 0.9))), 0.0);
        shade *= 0.45 + 0.65 * light;
    }
    color = vec4(shade, 1.0);
}
