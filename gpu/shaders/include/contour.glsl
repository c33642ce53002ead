// Contour lines, one logical pixel wide. Include structs.glsl first.
//
// Returns how much a line darkens a pixel. at: place on the colour scale. slope: how much of the scale a pixel spans.
float contour(float at, float slope) {
    float width = max(slope * frame.contours * frame.pixel_scale, 1e-6);
    float line = abs(fract(at * frame.contours - 0.5) - 0.5) / width;
    return 0.35 * (1.0 - smoothstep(0.0, 1.2, line)) * (1.0 - smoothstep(0.25, 0.6, width));
}
