// A trail as one ribbon: two vertices a sample, pushed apart on the screen; one instance a trail.
//
// It begins with the oldest sample, so that the newest lies on top where a trail crosses itself. The vertices of a segment's
// newer sample are the last of the two triangles between the samples and so decide a flat output: a software driver pays
// for each number that it has to interpolate.
#version 430
#include "constants.glsl"
#include "structs.glsl"
#include "trail.glsl"
#include "trail_color.glsl"
#include "signal.glsl"
#include "highlight.glsl"
#include "ribbon.glsl"
in uvec2 in_trail;                      // TrailInstance
noperspective out float v_across_px;    // distance from the middle of the ribbon
flat out uint v_color;
flat out float v_half_px;               // half of its width

void main() {
    int index = trail_samples(in_trail.y) - 1 - (gl_VertexID >> 1);
    RibbonEnd end = ribbon_end(in_trail.x, in_trail.y, index);
    float side = (gl_VertexID & 1) == 0 ? 1.0 : -1.0;
    v_half_px = end.half_px;
    v_across_px = side * (v_half_px + 0.5);
    gl_Position = end.clip + vec4(v_across_px * end.normal * 2.0 / frame.viewport_px * end.clip.w, 0.0, 0.0);
    v_color = end.color;
}
