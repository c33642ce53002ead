// The colour of a trail where it was at `tick`, for an agent of that `hue`; not premultiplied.
// Include constants.glsl and structs.glsl first.
layout(binding = TEXTURE_COLORMAPS) uniform sampler2D colormaps;   // one row a layer, then the trails' row

vec3 agent_color(float hue) {
    vec3 rgb = 0.5 + 0.5 * cos(6.2831853 * (hue + vec3(0.0, 0.33, 0.67)));   // of one lightness
    return mix(vec3(1.0), rgb, 0.75);
}

vec4 trail_color(int tick, float hue) {
    float age = float(frame.newest - tick) / float(max(frame.trail_rows - 1, 1));
    float rows = float(textureSize(colormaps, 0).y);
    vec3 rgb = frame.trail_color_by == TRAIL_COLOR_AGENT
        ? agent_color(hue) : textureLod(colormaps, vec2(1.0 - age, (2.0 + 0.5) / rows), 0.0).rgb;
    return vec4(rgb, frame.trail_opacity * (1.0 - 0.9 * age));
}
