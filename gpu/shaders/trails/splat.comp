// Draws ribbons without the rasteriser: adds each segment's light and cover to sums, pixel by pixel.
//
// Segments are the triangles of trails.vert, filled line by line with the same rule for pixels on an edge, so that segments
// of a trail do not overlap where they meet. Sums of integers do not depend on the order of the atomics: a picture is the
// same every time. Inputs: levels of detail (lod_choose.comp), placed samples, depths of the map. One invocation a segment;
// one with an end behind the camera is left out.
#version 430
#include "constants.glsl"
#include "structs.glsl"
#include "trail.glsl"
#include "trail_color.glsl"
#include "signal.glsl"
#include "highlight.glsl"
#include "ribbon.glsl"
#include "splat.glsl"
layout(local_size_x = AGENT_GROUP) in;
layout(std430, binding = SLOT_INDIVIDUAL) readonly buffer Individuals { uint individuals[]; };
layout(std430, binding = SLOT_CHOICE) readonly buffer Choices { uint choices[]; };
layout(binding = TEXTURE_DEPTH) uniform sampler2D depths;

uniform bool depth_test;

// A corner, and places between: x, y in pixels, depth, distance from the middle of the ribbon in pixels.
vec4 corner(RibbonEnd end, float side) {
    vec3 at = end.clip.xyz / end.clip.w * 0.5 + 0.5;
    float across = side * (end.half_px + 0.5);
    return vec4(at.xy * frame.viewport_px + across * end.normal, at.z, across);
}

void put(ivec2 at, float depth, float across, float half_px, vec4 color) {
    float alpha = color.a * clamp(half_px + 0.5 - abs(across), 0.0, 1.0);
    if (alpha < FAINTEST) return;
    if (depth_test && depth >= texelFetch(depths, origin + at, 0).r) return;
    uint place = 4u * uint(at.y * size.x + at.x);
    if (sums[place] > FULL) return;    // no more light changes the pixel
    float amount = min(-log(1.0 - alpha), DENSEST) * UNITS;
    uvec3 light = uvec3(color.rgb / color.a * amount + 0.5);
    atomicAdd(sums[place], uint(amount + 0.5));
    atomicAdd(sums[place + 1u], light.r);
    atomicAdd(sums[place + 2u], light.g);
    atomicAdd(sums[place + 3u], light.b);
}

// Extends the span of a line of pixels to where an edge crosses it; both triangles at an edge find the same place.
void extend(vec4 a, vec4 b, float y, inout vec4 left, inout vec4 right) {
    vec4 low = a.y < b.y ? a : b, high = a.y < b.y ? b : a;
    if (y < low.y || y >= high.y) return;
    vec4 at = mix(low, high, (y - low.y) / (high.y - low.y));
    if (at.x < left.x) left = at;
    if (at.x > right.x) right = at;
}

// The first pixel whose middle is not before `at`, from 0 to `end`.
int pixel_from(float at, int end) {
    return int(ceil(clamp(at - 0.5, 0.0, float(end))));
}

void triangle(vec4 a, vec4 b, vec4 c, float half_px, vec4 color) {
    int first = pixel_from(min(a.y, min(b.y, c.y)), size.y), last = pixel_from(max(a.y, max(b.y, c.y)), size.y);
    for (int y = first; y < last; ++y) {
        vec4 left = vec4(1e30), right = vec4(-1e30);
        extend(a, b, float(y) + 0.5, left, right);
        extend(a, c, float(y) + 0.5, left, right);
        extend(b, c, float(y) + 0.5, left, right);
        vec4 slope = (right - left) / max(right.x - left.x, 1e-6);
        int end = pixel_from(right.x, size.x);
        for (int x = pixel_from(left.x, size.x); x < end; ++x) {
            vec4 at = left + slope * (float(x) + 0.5 - left.x);
            put(ivec2(x, y), at.z, at.w, half_px, color);
        }
    }
}

void main() {
    uint index = gl_GlobalInvocationID.x;
    if (index >= frame.individuals) return;
    uint level = choices[index] >> 16u, slot = individuals[index];
    int sample_index = int(gl_WorkGroupID.y) + 1;
    if (level >= MAX_LEVELS || sample_index >= trail_samples(level)) return;
    RibbonEnd newer = ribbon_end(slot, level, sample_index - 1);
    if (newer.color == 0u) return;
    RibbonEnd older = ribbon_end(slot, level, sample_index);
    if (min(newer.clip.w, older.clip.w) < 1e-4) return;
    vec4 color = unpackUnorm4x8(newer.color);
    vec4 a = corner(older, 1.0), b = corner(older, -1.0), c = corner(newer, 1.0), d = corner(newer, -1.0);
    triangle(a, b, c, newer.half_px, color);
    triangle(b, c, d, newer.half_px, color);
}
