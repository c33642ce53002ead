// Sums of light that trails add to the pixels of a pane. Include constants.glsl first.
//
// A fragment of opacity a counts as -log(1 - a) of matter in its colour. The sum of matter gives the share of the background
// that is hidden exactly as layers drawn one over the other do; its colour is the mean of what lies there, evenly mixed.
layout(std430, binding = SLOT_TRAIL_SUMS) buffer TrailSums { uint sums[]; };    // matter, then red, green, blue of it

uniform ivec2 origin;    // of the pane in the picture, pixels
uniform ivec2 size;

const float UNITS = 1024.0;          // of the sums, for 1 of matter
const float DENSEST = 6.0;           // of a fragment: an opacity of 0.9975
const float FAINTEST = 0.5 / 255.0;  // opacity that is no step of a picture's 8 bits
const uint FULL = 0x80000000u;       // with it, every fragment that is under way adds to sums without overflow
