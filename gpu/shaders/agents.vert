// An agent's mark: a square around its newest position, sized in pixels; one instance an agent.
#version 430
#include "constants.glsl"
#include "structs.glsl"
#include "trail.glsl"
in uint in_agent;
noperspective out vec2 v_offset_px;

const float LIFT = 0.006;

void main() {
    vec4 point = trail_point(frame.newest, in_agent);
    vec4 clip = frame.view_projection * vec4(point.xy, point.z + LIFT, 1.0);
    vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1) * 2.0 - 1.0;
    v_offset_px = corner * (0.5 * frame.agent_size_px + 1.0);
    gl_Position = clip + vec4(v_offset_px * 2.0 / frame.viewport_px * clip.w, 0.0, 0.0);
}
