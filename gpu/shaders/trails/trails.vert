// A trail as one ribbon: two vertices a sample, pushed apart on the screen; one instance a trail.
//
// It begins with the oldest sample, so that the newest lies on top where a trail crosses itself. A segment has the colour
// of its newer sample, whose vertices are the last of the two triangles between the samples and so decide a flat output:
// a software driver pays for each number that it has to interpolate. Where the strand changes the line breaks: there the
// colour is transparent. At coarser levels a break lies somewhere within a stride; the samples at its sides are moved up
// to it, so that nothing of either strand is missing.
#version 430
#include "constants.glsl"
#include "structs.glsl"
#include "trail.glsl"
#include "trail_color.glsl"
#include "signal.glsl"
#include "highlight.glsl"
in uvec2 in_trail;                      // TrailInstance
noperspective out float v_across_px;    // distance from the middle of the ribbon
flat out uint v_color;
flat out float v_half_px;               // half of its width

const float LIFT = 0.004;               // of the map's half width: above the mesh, which is not quite bilinear

vec4 clip_position(vec4 point) {
    return frame.view_projection * vec4(point.xy, point.z + LIFT, 1.0);
}

vec2 screen(vec4 clip) {
    return clip.xy / max(clip.w, 1e-4) * 0.5 * frame.viewport_px;
}

void main() {
    uint slot = in_trail.x, level = in_trail.y, agent = agent_numbers[slot];
    int index = trail_samples(level) - 1 - (gl_VertexID >> 1);
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

    vec4 clip = clip_position(point);
    vec2 along = screen(clip_position(ahead)) - screen(clip_position(behind));
    float run = length(along);
    vec2 normal = run > 1e-6 ? vec2(-along.y, along.x) / run : vec2(0.0, 1.0);
    float side = (gl_VertexID & 1) == 0 ? 1.0 : -1.0;
    bool lit = highlighted(agent);
    v_half_px = 0.5 * frame.trail_width_px * (lit ? 1.6 : 1.0);
    v_across_px = side * (v_half_px + 0.5);
    gl_Position = clip + vec4(v_across_px * normal * 2.0 / frame.viewport_px * clip.w, 0.0, 0.0);

    float age = float(frame.newest - tick) / float(max(frame.trail_rows - 1, 1));
    float cover = trail_cover(vec4(age)).x;
    cover = lit ? max(cover, 0.5) : frame.highlighting != 0u ? cover * STEPS_BACK : cover;
    float at = frame.trail_color_by < TRAIL_COLOR_FIRST_SIGNAL ? float(agent * GOLDEN) / 4294967296.0 : signal_on_scale(tick, slot);
    vec3 color = trail_color(age, at);
    v_color = to_older ? packUnorm4x8(vec4(color * cover, cover)) : 0u;
}
