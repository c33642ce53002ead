// The whole of a framebuffer: one triangle that reaches beyond it on two sides.
#version 430
noperspective out vec2 v_uv;

void main() {
    v_uv = vec2(gl_VertexID & 1, gl_VertexID >> 1) * 2.0;
    gl_Position = vec4(v_uv * 2.0 - 1.0, 0.0, 1.0);
}
