// Dear ImGui's triangles, in pixels from the top left.
#version 430
uniform vec2 size_px;
in vec2 in_pixel;
in vec2 in_uv;
in vec4 in_color;
out vec2 v_uv;
out vec4 v_color;

void main() {
    v_uv = in_uv;
    v_color = in_color;
    vec2 ndc = in_pixel / size_px * 2.0 - 1.0;
    gl_Position = vec4(ndc.x, -ndc.y, 0.0, 1.0);
}
