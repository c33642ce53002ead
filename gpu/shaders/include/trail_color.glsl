// Colours of trails, not premultiplied. Include constants.glsl and structs.glsl first.
//
// age: 0 newest, 1 oldest. at: an agent's hue, or the place of its signal on the scale, below 0 where it is unknown.
// One lookup in each case: a software driver walks through every branch.
layout(binding = TEXTURE_COLORMAPS) uniform sampler2D colormaps;

const vec3 UNKNOWN = vec3(0.55);

vec3 trail_color(float age, float at) {
    float place = frame.trail_color_by == TRAIL_COLOR_AGE ? 1.0 - age : at;
    float rows = float(textureSize(colormaps, 0).y);
    vec3 known = textureLod(colormaps, vec2(place, (float(frame.trail_row) + 0.5) / rows), 0.0).rgb;
    return place < 0.0 ? UNKNOWN : known;
}

// Cover at an age: a trail fades as it gets older.
float trail_cover(float age) {
    return frame.trail_opacity * (1.0 - 0.9 * age);
}
