// The crowd's trails over the map, from the stamps of its cells. Include constants.glsl, structs.glsl and
// trail_color.glsl first.
//
// A stamp is the newest tick that crossed the cell (from 1, in the upper bits) and a colour in STAMP_BITS: the agent's
// hue, or the place of its signal on the scale, from 1. A stamp of 0: no trail; a colour of 0: the signal is unknown.
layout(binding = TEXTURE_STAMPS) uniform usampler2D stamps;

// Colour and cover at `uv`. The newest of the four cells around gives the colour; the cover is bilinear over all four,
// so that lines are smooth although a cell is either crossed or not. Trails are `crowd_ticks` long, which is less than
// those of individuals where they would hide the map (CrowdPass.ticks_shown).
vec4 crowd_at(vec2 uv) {
    ivec2 last = ivec2(frame.crowd_width, frame.crowd_height) - 1;
    vec2 at = clamp(uv * vec2(last + 1) - 0.5, vec2(0.0), vec2(last));
    // Cells (0, 0), (1, 0), (0, 1) and (1, 1) from there: one lookup instead of four.
    uvec4 four = textureGather(stamps, (floor(at) + 1.0) / vec2(last + 1)).wzxy;
    uint newest = max(max(four.x, four.y), max(four.z, four.w));
    int reach = min(int(ceil(frame.crowd_ticks)), frame.newest - frame.oldest);
    uint oldest_shown = uint(frame.newest - reach - frame.crowd_first_tick + 1) << STAMP_BITS;
    if (newest < oldest_shown) return vec4(0.0);
    vec2 x = vec2(1.0 - fract(at.x), fract(at.x)), y = vec2(1.0 - fract(at.y), fract(at.y));
    vec4 weights = vec4(x, x) * y.xxyy;
    uvec4 back = uint(frame.newest - frame.crowd_first_tick + 1) - (four >> uint(STAMP_BITS));
    vec4 ages = min(vec4(back) / frame.crowd_ticks, 1.0);
    vec4 shown = vec4(greaterThanEqual(four, uvec4(oldest_shown)));
    float cover = dot(weights * shown, trail_cover(ages)) * (frame.highlighting != 0u ? 0.5 : 1.0);
    uint bits = newest & ((1u << STAMP_BITS) - 1u);
    float place = frame.trail_color_by < TRAIL_COLOR_FIRST_SIGNAL ? float(bits) / float(1u << STAMP_BITS)
        : (float(bits) - 1.0) / float((1u << STAMP_BITS) - 2u);
    float age = min(min(ages.x, ages.y), min(ages.z, ages.w));
    return vec4(trail_color(age, place), cover);
}
