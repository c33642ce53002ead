// Rolls off colours that light makes brighter than a screen can show. Include structs.glsl first.
//
// Below KNEE they stay as they are, to agree with the colour bar.
const float KNEE = 0.75;

vec3 rolled_off(vec3 rgb) {
    if (frame.tone_mapping == 0u) return rgb;
    vec3 above = max(rgb - KNEE, 0.0);
    return min(rgb, KNEE) + above / (1.0 + above / (1.0 - KNEE));
}
