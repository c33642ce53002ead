// Marks with a dark rim, legible on every colour of the map.
//
// A light disc is an agent, with a ring if it is selected. Where an episode terminated: a diamond if that was the goal,
// else a cross; where it was truncated: an open square. Sizes in pixels.
#version 430
#include "constants.glsl"
#include "structs.glsl"
#include "highlight.glsl"
noperspective in vec2 v_offset_px;
flat in float v_radius_px;
flat in float v_cover;
flat in uint v_kind;
out vec4 color;

const vec3 RIM = vec3(0.05, 0.06, 0.09);

// Distance to the mark's line or area, pixels; negative inside.
float distance_px() {
    vec2 at = abs(v_offset_px);
    float square = max(at.x, at.y) - 0.8 * v_radius_px;
    bool diamond = v_kind == MARK_TERMINATED && frame.end_marks == END_MARKS_DIAMOND;
    if (diamond) return (at.x + at.y) * 0.70710678 - 0.55 * v_radius_px;
    if (v_kind == MARK_TERMINATED) return max(abs(at.x - at.y) * 0.70710678 - 0.22 * v_radius_px, square);
    if (v_kind == MARK_TRUNCATED) return abs(square + 0.2 * v_radius_px) - 0.2 * v_radius_px;
    float disc = length(v_offset_px);
    if (v_kind == MARK_SELECTED) return min(disc - 0.4 * v_radius_px, abs(disc - 0.85 * v_radius_px) - 0.8);
    return disc - 0.7 * v_radius_px;
}

vec3 fill_color() {
    if (v_kind == MARK_TERMINATED) return frame.end_marks == END_MARKS_DIAMOND ? COLOR_GOAL : COLOR_FAILURE;
    if (v_kind == MARK_TRUNCATED) return COLOR_TRUNCATED;
    return v_kind == MARK_AGENT ? vec3(1.0, 1.0, 0.98) : ACCENT;
}

void main() {
    float away = distance_px();
    float coverage = clamp(0.3 * frame.agent_size_px * 0.5 + 0.5 - away, 0.0, 1.0);
    if (coverage == 0.0) discard;
    color = vec4(mix(RIM, fill_color(), clamp(0.5 - away, 0.0, 1.0)) * coverage, coverage) * v_cover;
}
