// Colours of trails, by age from 0 (newest) to 1 (oldest) and by `at`: an agent's hue, or where its signal is on the
// scale, below 0 where nothing is known of it; not premultiplied. Include constants.glsl and structs.glsl first.
layout(binding = TEXTURE_COLORMAPS) uniform sampler2D colormaps;

const vec3 UNKNOWN = vec3(0.55);

vec3 agent_color(float hue) {
    vec3 rgb = 0.5 + 0.5 * cos(6.2831853 * (hue + vec3(0.0, 0.33, 0.67)));   // of one lightness
    return mix(vec3(1.0), rgb, 0.75);
}

vec3 trail_color(float age, float at) {
    if (frame.trail_color_by == TRAIL_COLOR_AGENT) return agent_color(at);
    if (frame.trail_color_by == TRAIL_COLOR_AGE) at = 1.0 - age;
    if (at < 0.0) return UNKNOWN;
    float rows = float(textureSize(colormaps, 0).y);
    return textureLod(colormaps, vec2(at, (float(frame.trail_row) + 0.5) / rows), 0.0).rgb;
}

// How much it covers: it fades as it gets older.
vec4 trail_cover(vec4 ages) {
    return frame.trail_opacity * (1.0 - 0.9 * ages);
}
