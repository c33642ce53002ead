// Place of a sample's signal on the trails' colour scale. Include structs.glsl and trail.glsl first.
layout(std430, binding = SLOT_TRAIL_SIGNAL) readonly buffer TrailSignals { float trail_signal[]; };

// In [0, 1]; -1 where the signal is unknown.
float signal_on_scale(int tick, uint slot) {
    float signal = trail_signal[trail_index(tick, slot)];
    if (isnan(signal)) return -1.0;
    return clamp((signal - frame.signal_low) / max(frame.signal_high - frame.signal_low, 1e-12), 0.0, 1.0);
}
