// What light makes brighter than a screen can show, rolled off instead of cut off. Include structs.glsl first.
//
// Below KNEE colours stay what they are: they have to agree with the colour bar as far as they can.
const float KNEE = 0.75;

vec3 rolled_off(vec3 rgb) {
    if (frame.tone_mapping == 0u) return rgb;
    vec3 above = max(rgb - KNEE, 0.0);
    return min(rgb, KNEE) + above / (1.0 + above / (1.0 - KNEE));
}
