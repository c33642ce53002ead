// The field that lifts the surface, and colour scales of map layers. Include constants.glsl and structs.glsl first.
//
// Map coordinates are in the state's units; uv is the map as [0, 1]^2; the scene is [-1, 1]^2 with z upwards. Texel
// centres carry the field's values; between them it is bilinear, beyond the outermost it is constant.
layout(binding = TEXTURE_HEIGHT) uniform sampler2D height_field;
layout(std430, binding = SLOT_RANGE) readonly buffer Ranges { Range ranges[]; };

// Bilinear by hand: the filter of a GPU's sampler has 8 bits, which would show as steps on a surface.
float bilinear(sampler2D field, vec2 uv) {
    ivec2 size = textureSize(field, 0);
    vec2 at = clamp(uv * vec2(size) - 0.5, vec2(0.0), vec2(size - 1));
    ivec2 low = ivec2(at);
    ivec2 high = min(low + 1, size - 1);
    vec2 between = at - vec2(low);
    float bottom = mix(texelFetch(field, low, 0).r, texelFetch(field, ivec2(high.x, low.y), 0).r, between.x);
    float top = mix(texelFetch(field, ivec2(low.x, high.y), 0).r, texelFetch(field, high, 0).r, between.x);
    return mix(bottom, top, between.y);
}

// Place of a value on the colour scale of a layer: 0 and 1 are its ends, others lie beyond.
float on_scale(uint layer, float value) {
    Range range = ranges[layer];
    return (value - range.shown_low) / max(range.shown_high - range.shown_low, 1e-12);
}
