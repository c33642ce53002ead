// One layer of a perceptron for many inputs at once: out = activation(clip(W in + b)).
//
// Inputs, outputs: a row of `columns` floats per unit, a texel each, read as vec4. Weights: W transposed to
// [in_units][out_units padded to OCTET], then b. An invocation makes OCTET units of OCTET texels, so that each loaded
// weight is used eight times: on a software driver that is 8x faster than one texel an invocation. The loop runs once
// per input: llvmpipe ends an invocation, without an error, after 65,535 turns.
#version 430
#include "constants.glsl"
layout(local_size_x = TEXEL_GROUP) in;
layout(std430, binding = SLOT_LAYER_INPUT) readonly buffer Inputs { vec4 inputs[]; };
layout(std430, binding = SLOT_LAYER_OUTPUT) writeonly buffer Outputs { vec4 outputs[]; };
layout(std430, binding = SLOT_LAYER_WEIGHTS) readonly buffer Weights { vec4 weights[]; };

uniform uint columns;         // texels in a row, a multiple of OCTET
uniform uint in_units;
uniform uint out_units;
uniform uint first_weight;    // index in `weights` of this layer, in vec4
uniform uint first_row;       // row of `outputs` for unit 0
uniform uint activation;
uniform float clip_bound;

float activate(float x) {
    x = clamp(x, -clip_bound, clip_bound);
    if (activation == ACTIVATION_RELU) return max(x, 0.0);
    if (activation == ACTIVATION_TANH) return tanh(clamp(x, -15.0, 15.0));
    if (activation == ACTIVATION_ELU) return x > 0.0 ? x : exp(x) - 1.0;
    if (activation == ACTIVATION_LEAKY_RELU) return x > 0.0 ? x : 0.01 * x;
    if (activation == ACTIVATION_SIGMOID) return 1.0 / (1.0 + exp(-x));
    if (activation == ACTIVATION_SILU) return x / (1.0 + exp(-x));
    if (activation == ACTIVATION_GELU) {
        // erf by Abramowitz and Stegun 7.1.26 (|error| < 1.5e-7); GLSL has none.
        float z = abs(x) * 0.70710678;
        float t = 1.0 / (1.0 + 0.3275911 * z);
        float tail = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
        float erf = sign(x) * (1.0 - tail * exp(-z * z));
        return 0.5 * x * (1.0 + erf);
    }
    return x;
}

vec4 activate(vec4 x) {
    return vec4(activate(x.x), activate(x.y), activate(x.z), activate(x.w));
}

void put(uint unit, uint at, vec4 low, vec4 high) {
    if (unit >= out_units) return;
    uint target = (first_row + unit) * (columns / 4u) + at;
    outputs[target] = activate(low);
    outputs[target + 1u] = activate(high);
}

void main() {
    uint pair = gl_GlobalInvocationID.x;          // index of the OCTET texels, two vec4
    uint octet = gl_GlobalInvocationID.y;         // index of the OCTET units
    uint row = columns / 4u;                      // number of vec4 in a row
    if (pair * 2u >= row) return;
    uint octets = (out_units + OCTET - 1u) / OCTET;
    uint bias = first_weight + (in_units * octets + octet) * 2u;
    vec4 w = weights[bias], v = weights[bias + 1u];
    vec4 low0 = w.xxxx, low1 = w.yyyy, low2 = w.zzzz, low3 = w.wwww;      // texels 0-3 of units 0-7
    vec4 low4 = v.xxxx, low5 = v.yyyy, low6 = v.zzzz, low7 = v.wwww;
    vec4 high0 = low0, high1 = low1, high2 = low2, high3 = low3;          // texels 4-7
    vec4 high4 = low4, high5 = low5, high6 = low6, high7 = low7;
    uint weight = first_weight + octet * 2u;
    uint source = pair * 2u;
    for (uint unit = 0u; unit < in_units; ++unit) {
        vec4 a = inputs[source], b = inputs[source + 1u];
        w = weights[weight];
        v = weights[weight + 1u];
        low0 += w.x * a;  high0 += w.x * b;
        low1 += w.y * a;  high1 += w.y * b;
        low2 += w.z * a;  high2 += w.z * b;
        low3 += w.w * a;  high3 += w.w * b;
        low4 += v.x * a;  high4 += v.x * b;
        low5 += v.y * a;  high5 += v.y * b;
        low6 += v.z * a;  high6 += v.z * b;
        low7 += v.w * a;  high7 += v.w * b;
        source += row;
        weight += octets * 2u;
    }
    put(octet * OCTET + 0u, pair * 2u, low0, high0);
    put(octet * OCTET + 1u, pair * 2u, low1, high1);
    put(octet * OCTET + 2u, pair * 2u, low2, high2);
    put(octet * OCTET + 3u, pair * 2u, low3, high3);
    put(octet * OCTET + 4u, pair * 2u, low4, high4);
    put(octet * OCTET + 5u, pair * 2u, low5, high5);
    put(octet * OCTET + 6u, pair * 2u, low6, high6);
    put(octet * OCTET + 7u, pair * 2u, low7, high7);
}
