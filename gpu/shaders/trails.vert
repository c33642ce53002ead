// A trail as one ribbon: two vertices a sample, pushed apart on the screen; one instance a trail.
//
// Where the strand changes (an episode ended, or a periodic edge was crossed) both ends are drawn to a point,
// so that the quad between them has no area: the line breaks without extra vertices.
#version 430
#include "constants.glsl"
#include "structs.glsl"
#include "field.glsl"
#include "trail.glsl"
layout(binding = TEXTURE_COLORMAPS) uniform sampler2D colormaps;
in uvec2 in_trail;                      // TrailInstance
noperspective out float v_across_px;    // distance from the middle of the ribbon
out vec4 v_color;

const float LIFT = 0.004;               // of the map's half width: above the mesh, which is not quite bilinear

vec4 clip_position(int tick, uint agent) {
    vec3 scene = scene_position(map_uv(trail_position[trail_index(tick, agent)]));
    if (frame.height_scale > 0.0) scene.z += LIFT;
    return frame.view_projection * vec4(scene, 1.0);
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
    uint strand = trail_strand[trail_index(tick, agent)];
    bool to_newer = index == 0 || trail_strand[trail_index(newer, agent)] == strand;
    bool to_older = tick == frame.oldest || trail_strand[trail_index(older, agent)] == strand;

    vec4 clip = clip_position(tick, agent);
    vec2 here = screen(clip);
    vec2 ahead = to_newer ? screen(clip_position(newer, agent)) : here;
    vec2 behind = to_older ? screen(clip_position(older, agent)) : here;
    vec2 along = ahead - behind;
    float run = length(along);
    vec2 normal = run > 1e-6 ? vec2(-along.y, along.x) / run : vec2(0.0);
    float half_px = to_newer && to_older ? 0.5 * frame.trail_width_px + 1.0 : 0.0;
    float side = (gl_VertexID & 1) == 0 ? 1.0 : -1.0;

    float age = float(frame.newest - tick) / float(max(frame.trail_rows - 1, 1));
    float rows = float(textureSize(colormaps, 0).y);
    vec3 rgb = frame.trail_color_by == TRAIL_COLOR_AGENT
        ? agent_color(agent) : texture(colormaps, vec2(1.0 - age, (2.0 + 0.5) / rows)).rgb;
    float opacity = frame.trail_opacity * (1.0 - 0.9 * age);
    v_color = vec4(rgb * opacity, opacity);
    v_across_px = side * (0.5 * frame.trail_width_px + 1.0);
    gl_Position = clip + vec4(side * normal * half_px * 2.0 / frame.viewport_px * clip.w, 0.0, 0.0);
}
