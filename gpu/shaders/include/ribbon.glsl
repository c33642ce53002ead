// A sample of a trail as an end of two segments of its ribbon, on the screen. Include constants.glsl, structs.glsl, trail.glsl,
// trail_color.glsl, signal.glsl and highlight.glsl first.
//
// A segment has the colour of its newer end. Where the strand changes the line breaks: there the colour is transparent. At
// coarser levels a break lies somewhere within a stride; the samples at its sides are moved up to it, so that nothing of
// either strand is missing.
struct RibbonEnd {
    vec4 clip;        // the middle of the ribbon
    vec2 normal;      // across it, pixels
    float half_px;    // half of its width
    uint color;       // of the segment that ends here, premultiplied; 0: there is none
};

const float LIFT = 0.004;               // of the map's half width: above the mesh, which is not quite bilinear

vec4 clip_position(vec4 point) {
    return frame.view_projection * vec4(point.xy, point.z + LIFT, 1.0);
}

vec2 screen(vec4 clip) {
    return clip.xy / max(clip.w, 1e-4) * 0.5 * frame.viewport_px;
}

// index: of the sample, counted from the newest.
RibbonEnd ribbon_end(uint slot, uint level, int index) {
    uint agent = agent_numbers[slot];
    int tick = trail_tick(index, level), newer = trail_tick(index - 1, level), older = trail_tick(index + 1, level);
    vec4 point = trail_point(tick, slot), ahead = trail_point(newer, slot), behind = trail_point(older, slot);
    uint strand = strand_of(point);
    bool to_newer = strand_of(ahead) == strand, to_older = strand_of(behind) == strand;
    if (!to_newer) {
        while (tick + 1 < newer && strand_of(trail_point(tick + 1, slot)) == strand) ++tick;
        point = trail_point(tick, slot);
        ahead = point;
    } else if (!to_older) {
        while (tick - 1 > older && strand_of(trail_point(tick - 1, slot)) == strand) --tick;
        point = trail_point(tick, slot);
    }
    if (!to_older) behind = point;

    vec2 along = screen(clip_position(ahead)) - screen(clip_position(behind));
    float run = length(along);
    vec2 normal = run > 1e-6 ? vec2(-along.y, along.x) / run : vec2(0.0, 1.0);
    bool lit = highlighted(agent);
    float half_px = 0.5 * frame.trail_width_px * (lit ? 1.6 : 1.0);

    float age = float(frame.newest - tick) / float(max(frame.trail_rows - 1, 1));
    float cover = trail_cover(age);
    cover = lit ? max(cover, 0.5) : frame.highlighting != 0u ? cover * STEPS_BACK : cover;
    float at = frame.trail_color_by < TRAIL_COLOR_FIRST_SIGNAL ? float(agent * GOLDEN) / 4294967296.0 : signal_on_scale(tick, slot);
    vec3 color = trail_color(age, at);
    uint bits = to_older ? packUnorm4x8(vec4(color * cover, cover)) : 0u;
    return RibbonEnd(clip_position(point), normal, half_px, bits);
}
