// A trail as one ribbon: two vertices a sample, pushed apart on the screen; one instance a trail.
//
// Where the strand changes the line breaks: both vertices of the older sample say so, and as the last vertices
// of the two triangles between the samples they decide a flat output, by which the fragments are dropped.
// At coarser levels a break lies somewhere within a stride; the samples at its sides are moved up to it, so
// that nothing of either strand is missing.
#version 430
#include "constants.glsl"
#include "structs.glsl"
#include "trail.glsl"
layout(binding = TEXTURE_COLORMAPS) uniform sampler2D colormaps;
in uvec2 in_trail;                      // TrailInstance
noperspective out float v_across_px;    // distance from the middle of the ribbon
out vec4 v_color;
flat out uint v_broken;

const float LIFT = 0.004;               // of the map's half width: above the mesh, which is not quite bilinear

vec4 clip_position(vec4 point) {
    return frame.view_projection * vec4(point.xy, point.z + LIFT, 1.0);
}

vec2 screen(vec4 clip) {
    return clip.xy / max(clip.w, 1e-4) * 0.5 * frame.viewport_px;
}

vec3 agent_color(uint agent) {
    // Hues a golden ratio apart, of one lightness: neighbours in number are far apart in colour.
    float hue = fract(float(agent) * 0.61803399);
    vec3 rgb = 0.5 + 0.5 * cos(6.2831853 * (hue + vec3(0.0, 0.33, 0.67)));
    return mix(vec3(1.0), rgb, 0.75);
}

void main() {
    uint agent = in_trail.x, level = in_trail.y;
    int index = gl_VertexID >> 1;
    int tick = trail_tick(index, level), newer = trail_tick(index - 1, level), older = trail_tick(index + 1, level);
    vec4 point = trail_point(tick, agent), ahead = trail_point(newer, agent), behind = trail_point(older, agent);
    uint strand = strand_of(point);
    bool to_newer = strand_of(ahead) == strand, to_older = strand_of(behind) == strand;
    if (!to_newer) {
        while (tick + 1 < newer && strand_of(trail_point(tick + 1, agent)) == strand) ++tick;
        point = trail_point(tick, agent);
        ahead = point;
    } else if (!to_older) {
        while (tick - 1 > older && strand_of(trail_point(tick - 1, agent)) == strand) --tick;
        point = trail_point(tick, agent);
    }
    if (!to_older) behind = point;
    v_broken = to_newer ? 0u : 1u;

    vec4 clip = clip_position(point);
    vec2 along = screen(clip_position(ahead)) - screen(clip_position(behind));
    float run = length(along);
    vec2 normal = run > 1e-6 ? vec2(-along.y, along.x) / run : vec2(0.0, 1.0);
    float side = (gl_VertexID & 1) == 0 ? 1.0 : -1.0;
    v_across_px = side * (0.5 * frame.trail_width_px + 0.5);
    gl_Position = clip + vec4(v_across_px * normal * 2.0 / frame.viewport_px * clip.w, 0.0, 0.0);

    float age = float(frame.newest - tick) / float(max(frame.trail_rows - 1, 1));
    float rows = float(textureSize(colormaps, 0).y);
    vec3 rgb = frame.trail_color_by == TRAIL_COLOR_AGENT
        ? agent_color(agent) : texture(colormaps, vec2(1.0 - age, (2.0 + 0.5) / rows)).rgb;
    float opacity = frame.trail_opacity * (1.0 - 0.9 * age);
    v_color = vec4(rgb * opacity, opacity);
}
