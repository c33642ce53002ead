// Colours of trails, for an agent of a `hue` and an age from 0 (newest) to 1 (oldest); not premultiplied.
// Include constants.glsl and structs.glsl first.
layout(binding = TEXTURE_COLORMAPS) uniform sampler2D colormaps;   // one row a layer, then the trails' row

vec3 agent_color(float hue) {
    vec3 rgb = 0.5 + 0.5 * cos(6.2831853 * (hue + vec3(0.0, 0.33, 0.67)));   // of one lightness
    return mix(vec3(1.0), rgb, 0.75);
}

vec3 trail_color(float age, float hue) {
    float rows = float(textureSize(colormaps, 0).y);
    return frame.trail_color_by == TRAIL_COLOR_AGENT
        ? agent_color(hue) : textureLod(colormaps, vec2(1.0 - age, (2.0 + 0.5) / rows), 0.0).rgb;
}

// How much it covers: it fades as it gets older.
vec4 trail_cover(vec4 ages) {
    return frame.trail_opacity * (1.0 - 0.9 * ages);
}
