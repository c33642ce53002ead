// Numbers of agents, and which of them are highlighted, a bit each. Include constants.glsl and structs.glsl first.
layout(std430, binding = SLOT_HIGHLIGHT) readonly buffer Highlights { uint highlights[]; };
layout(std430, binding = SLOT_AGENT_NUMBER) readonly buffer AgentNumbers { uint agent_numbers[]; };    // by slot

const float STEPS_BACK = 0.16;         // factor on the opacity of the others
const vec3 ACCENT = vec3(1.0, 0.95, 0.35);

bool highlighted(uint agent) {
    return frame.highlighting != 0u && (highlights[agent >> 5u] >> (agent & 31u) & 1u) != 0u;
}
