// The crowd's trails over a colour of the map. Include crowd.glsl first.
//
// In shaders of their own: a software driver computes both sides of a branch, so a map without a crowd would pay for one.
layout(binding = TEXTURE_KEPT) uniform sampler2D kept;    // the map alone, pixel by pixel

// Alpha: what glows (glow/shrink.frag).
vec4 crowd_over(vec3 rgb, vec2 uv) {
    vec4 crowd = crowd_at(uv);
    return vec4(rgb * (1.0 - crowd.a) + crowd.rgb, crowd.a);
}

vec3 kept_color() {
    return texelFetch(kept, ivec2(gl_FragCoord.xy), 0).rgb;
}

// Rounds a colour to 8 bits, as it comes from the texture, so that both ways give the same picture.
vec3 as_kept(vec3 rgb) {
    return floor(clamp(rgb, 0.0, 1.0) * 255.0 + 0.5) * (1.0 / 255.0);
}
