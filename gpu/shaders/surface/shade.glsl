// Colours of values, and slopes, of maps. Include constants.glsl and structs.glsl first, and declare `ranges` and `colormaps`.

const vec3 UNKNOWN = vec3(0.22);    // no value

float on_scale(uint layer, float value) {
    Range range = ranges[layer];
    return (value - range.shown_low) / max(range.shown_high - range.shown_low, 1e-12);
}

vec3 colormap(uint row, float at) {
    float y = (float(row) + 0.5) / float(textureSize(colormaps, 0).y);
    float x = clamp(at, 0.0, 1.0) * ((COLORMAP_WIDTH - 1.0) / COLORMAP_WIDTH) + 0.5 / COLORMAP_WIDTH;
    return textureLod(colormaps, vec2(x, y), 0.0).rgb;
}

// In colour scales a map's width. rise: of values over two texels along x and y, of which the map has `size`.
float slope_of(uint layer, vec2 rise, vec2 size) {
    Range range = ranges[layer];
    float slope = length(rise * (0.5 * size) / max(range.shown_high - range.shown_low, 1e-12));
    return isnan(slope) ? 0.0 : slope;
}

// As alpha holds it: the root, so that gentle slopes have digits.
float slope_kept(float slope) {
    return sqrt(min(slope / STEEPEST, 1.0));
}
