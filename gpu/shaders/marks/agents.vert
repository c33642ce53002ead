// Marks, one instance each, sized in pixels: first the ends of the individuals' last episodes, then the individuals.
#version 430
#include "constants.glsl"
#include "structs.glsl"
#include "trail.glsl"
#include "highlight.glsl"
layout(std430, binding = SLOT_INDIVIDUAL) readonly buffer Individuals { uint individuals[]; };
layout(std430, binding = SLOT_TRAIL_END) readonly buffer TrailEnds { int trail_ends[]; };
in uint in_index;
noperspective out vec2 v_offset_px;
flat out float v_radius_px;
flat out float v_cover;
flat out uint v_kind;       // MARK_…

const float LIFT = 0.006;

void main() {
    uint ends = frame.end_marks != 0u ? frame.individuals : 0u;
    bool is_end = in_index < ends;
    uint slot = individuals[is_end ? in_index : in_index - ends], agent = agent_numbers[slot];
    int tick = is_end ? trail_ends[slot] : frame.newest;
    bool lit = highlighted(agent), selected = int(agent) == frame.selected;
    vec4 point = trail_point(max(tick, 0), slot);
    vec4 clip = frame.view_projection * vec4(point.xy, point.z + LIFT, 1.0);
    v_radius_px = 0.5 * frame.agent_size_px * (is_end ? 0.95 : selected ? 1.9 : lit ? 1.25 : 1.0);
    v_kind = is_end ? ending_of(point) : selected ? MARK_SELECTED : lit ? MARK_HIGHLIGHTED : MARK_AGENT;
    float age = is_end ? float(frame.newest - tick) / float(max(frame.trail_rows - 1, 1)) : 0.0;
    v_cover = frame.agent_opacity * (1.0 - 0.7 * age) * (frame.highlighting != 0u && !lit ? 2.0 * STEPS_BACK : 1.0);
    vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1) * 2.0 - 1.0;
    v_offset_px = corner * (v_radius_px + (selected ? 2.5 : 1.0));
    gl_Position = clip + vec4(v_offset_px * 2.0 / frame.viewport_px * clip.w, 0.0, 0.0);
    if (tick < 0) gl_Position = vec4(2.0, 2.0, 2.0, 1.0);      // no end to mark: outside the picture
}
